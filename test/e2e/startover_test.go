package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestAnUpstreamThatStartsOverResetsEachClientOnce kills an upstream whose cursors begin at 1 again.
func TestAnUpstreamThatStartsOverResetsEachClientOnce(t *testing.T) {
	for name, line := range map[string]string{
		"found out by its order": "order by_id",
		"told by its epoch":      "epoch {sse.header.X-Boot}",
	} {
		t.Run(name, func(t *testing.T) {
			var boot atomic.Int64
			c := testsite.NewChat(0)
			c.Say("one", "two", "three")
			up := newRestartable(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Boot", strconv.FormatInt(boot.Load(), 10))
				c.ServeHTTP(w, r)
			}))
			site := strings.Replace(testsite.ChatSite(up.addr, line), "long_poll", "interval 50ms", 1)
			s := testsite.Run(t, site)
			var clients []*testsite.Subscription
			for range testsite.Soak(10, 500) {
				client := testsite.Subscribe(t, s.URL+"/messages")
				client.Want("one", "two", "three")
				clients = append(clients, client)
			}
			up.stop()
			for _, client := range clients {
				client.HasComment(page.Unreachable)
			}
			boot.Add(1)
			c.Mu.Lock()
			c.Lines, c.Polls = []string{"new one", "new two"}, nil
			c.Mu.Unlock()
			up.start()
			for _, client := range clients {
				if e := client.Next(); e.Type != "bridge.reset" {
					t.Fatalf("got %+v", e)
				}
				client.Want("new one", "new two")
			}
			var starts int
			for _, r := range c.Polled() {
				if r.URL.Query().Get("lastId") == "" {
					starts++
				}
			}
			if starts > 2 { // one that finds out, and one for what there is
				t.Errorf("%d polls asked from the start for %d clients", starts, len(clients))
			}
			c.Say("new three")
			for _, client := range clients {
				client.Want("new three")
				if len(client.Events) > 0 {
					t.Errorf("got %+v as well", client.Next())
				}
			}
		})
	}
}
