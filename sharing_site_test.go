package ssebridge

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

func TestAThousandClientsCostOnePollAtATime(t *testing.T) {
	var open, most atomic.Int64
	c := newChat(time.Minute)
	c.say("one")
	s := runCaddy(t, chatSite(backend(t, func(w http.ResponseWriter, r *http.Request) {
		n := open.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		defer open.Add(-1)
		c.ServeHTTP(w, r)
	})))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var streams []*subscription
	for range soak(200, 1000) {
		streams = append(streams, subscribeWith(t, transport, s.url+"/messages"))
	}
	for _, stream := range streams {
		if e := stream.next(); e.ID != "1" {
			t.Fatalf("got %+v", e)
		}
	}
	settled := len(c.polled())
	most.Store(0)
	for i := range 20 {
		c.say(fmt.Sprint("line ", i))
		for _, stream := range streams {
			if e := stream.next(); e.ID != strconv.Itoa(i+2) {
				t.Fatalf("got %+v", e)
			}
		}
	}
	if n := most.Load(); n != 1 {
		t.Errorf("%d polls at once", n)
	}
	if n := len(c.polled()) - settled; n > 21 {
		t.Errorf("%d polls for 20 events", n)
	}
}
