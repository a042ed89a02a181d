package ssebridge

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
)

// TestALogoutEndsTheStreamsOfItsOwnRequestAlone takes one login away while two are in use.
func TestALogoutEndsTheStreamsOfItsOwnRequestAlone(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		var out, polls atomic.Int64
		s := runCaddy(t, bridgeSite(backend(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer a" && out.Load() > 0 {
				polls.Add(1)
				w.WriteHeader(status)
				return
			}
			io.WriteString(w, r.Header.Get("Authorization"))
		}), "interval 50ms"))
		a1, a2 := subscribe(t, s.url+"/", "Authorization", "Bearer a"), subscribe(t, s.url+"/", "Authorization", "Bearer a")
		b := subscribe(t, s.url+"/", "Authorization", "Bearer b")
		for _, stream := range []*subscription{a1, a2, b} {
			stream.next()
		}
		out.Store(1)
		a1.ended()
		a2.ended()
		if n := polls.Load(); n != 2 {
			t.Errorf("%d: the streams ended after %d refusals", status, n)
		}
		if back := subscribe(t, s.url+"/", "Authorization", "Bearer a"); back.response.StatusCode != status {
			t.Errorf("%d: who comes back gets %s", status, back.response.Status)
		}
		fresh := subscribe(t, s.url+"/", "Authorization", "Bearer fresh")
		if e := fresh.next(); e.Data != "Bearer fresh" {
			t.Errorf("%d: a fresh login gets %+v", status, e)
		}
		select {
		case e, ok := <-b.events:
			t.Errorf("%d: the other login's stream brought %+v, %t", status, e, ok)
		default:
		}
	}
}
