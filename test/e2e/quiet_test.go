package e2e

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// A backend that holds a poll may send the head of its answer at once.
func TestAPollThatTheBridgeEndsIsNoTroubleOfTheProxy(t *testing.T) {
	for _, c := range []struct{ name, begin, lines string }{
		{"a poll that is held", "", "interval 50ms\nlong_poll 2s\ntimeout 2s"},
		{"blanks while it is held", " ", "interval 50ms\nlong_poll 2s\ntimeout 2s"},
		{"an answer that goes on, and is silent", "", "stream 2s\nformat lines\nid id\nquery since {sse.cursor}"},
		{"an answer that goes on, and has begun", "{\"id\":1}\n", "stream 2s\nformat lines\nid id\nquery since {sse.cursor}"},
		{"an answer that is too large", strings.Repeat("x", 2000), "interval 50ms\nlimits {\nresponse 1000\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var polls, held atomic.Int32
			backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				polls.Add(1)
				w.WriteHeader(http.StatusOK)
				io.WriteString(w, c.begin)
				http.NewResponseController(w).Flush()
				held.Add(1)
				defer held.Add(-1)
				<-r.Context().Done()
			})
			log, options := global(t)
			s := testsite.Run(t, options+"{{site}} {\nsse_bridge "+backend+" {\n"+c.lines+"\n}\n}")
			client := testsite.Subscribe(t, s.URL)
			testsite.Eventually(t, "a second poll", func() bool { return polls.Load() >= 2 })
			client.Close()
			testsite.Eventually(t, "that nothing is held any more", func() bool { return held.Load() == 0 })
			_, raw := log.entries(t, "http.handlers.reverse_proxy")
			if strings.Contains(raw, "aborting") {
				t.Errorf("logged was %s", raw)
			}
		})
	}
}
