package e2e

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestALogoutEndsTheStreamsOfItsOwnRequestAlone takes one login away while two are in use.
func TestALogoutEndsTheStreamsOfItsOwnRequestAlone(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		var out, polls atomic.Int64
		s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer a" && out.Load() > 0 {
				polls.Add(1)
				w.WriteHeader(status)
				return
			}
			io.WriteString(w, r.Header.Get("Authorization"))
		}), "interval 50ms"))
		a1, a2 := testsite.Subscribe(t, s.URL+"/", "Authorization", "Bearer a"), testsite.Subscribe(t, s.URL+"/", "Authorization", "Bearer a")
		b := testsite.Subscribe(t, s.URL+"/", "Authorization", "Bearer b")
		for _, stream := range []*testsite.Subscription{a1, a2, b} {
			stream.Next()
		}
		out.Store(1)
		a1.Ended()
		a2.Ended()
		if n := polls.Load(); n != 2 {
			t.Errorf("%d: the streams ended after %d refusals", status, n)
		}
		if back := testsite.Subscribe(t, s.URL+"/", "Authorization", "Bearer a"); back.Response.StatusCode != status {
			t.Errorf("%d: who comes back gets %s", status, back.Response.Status)
		}
		fresh := testsite.Subscribe(t, s.URL+"/", "Authorization", "Bearer fresh")
		if e := fresh.Next(); e.Data != "Bearer fresh" {
			t.Errorf("%d: a fresh login gets %+v", status, e)
		}
		select {
		case e, ok := <-b.Events:
			t.Errorf("%d: the other login's stream brought %+v, %t", status, e, ok)
		default:
		}
	}
}
