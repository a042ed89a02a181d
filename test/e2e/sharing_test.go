package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestAThousandClientsCostOnePollAtATime(t *testing.T) {
	var open, most atomic.Int64
	c := testsite.NewChat(time.Minute)
	c.Say("one")
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		n := open.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		defer open.Add(-1)
		c.ServeHTTP(w, r)
	})))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var streams []*testsite.Subscription
	for range testsite.Soak(200, 1000) {
		streams = append(streams, testsite.SubscribeWith(t, transport, s.URL+"/messages"))
	}
	for _, stream := range streams {
		if e := stream.Next(); e.ID != "1" {
			t.Fatalf("got %+v", e)
		}
	}
	settled := len(c.Polled())
	most.Store(0)
	for i := range 20 {
		c.Say(fmt.Sprint("line ", i))
		for _, stream := range streams {
			if e := stream.Next(); e.ID != strconv.Itoa(i+2) {
				t.Fatalf("got %+v", e)
			}
		}
	}
	if n := most.Load(); n != 1 {
		t.Errorf("%d polls at once", n)
	}
	if n := len(c.Polled()) - settled; n > 21 {
		t.Errorf("%d polls for 20 events", n)
	}
}
