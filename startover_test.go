package ssebridge

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAnUpstreamThatStartsOverResetsEachClientOnce kills an upstream whose cursors begin at 1 again.
func TestAnUpstreamThatStartsOverResetsEachClientOnce(t *testing.T) {
	for name, line := range map[string]string{
		"found out by its order": "order by_id",
		"told by its epoch":      "epoch {sse.header.X-Boot}",
	} {
		t.Run(name, func(t *testing.T) {
			var boot atomic.Int64
			c := newChat(0)
			c.say("one", "two", "three")
			up := newRestartable(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Boot", strconv.FormatInt(boot.Load(), 10))
				c.ServeHTTP(w, r)
			}))
			site := strings.Replace(chatSite(up.addr, line), "long_poll", "interval 50ms", 1)
			s := runCaddy(t, site)
			var clients []*subscription
			for range soak(10, 500) {
				client := subscribe(t, s.url+"/messages")
				client.want("one", "two", "three")
				clients = append(clients, client)
			}
			up.stop()
			for _, client := range clients {
				client.hasComment(commentUnreachable)
			}
			boot.Add(1)
			c.mu.Lock()
			c.lines, c.polls = []string{"new one", "new two"}, nil
			c.mu.Unlock()
			up.start()
			for _, client := range clients {
				if e := client.next(); e.Type != "bridge.reset" {
					t.Fatalf("got %+v", e)
				}
				client.want("new one", "new two")
			}
			var starts int
			for _, r := range c.polled() {
				if r.URL.Query().Get("lastId") == "" {
					starts++
				}
			}
			if starts > 2 { // one that finds out, and one for what there is
				t.Errorf("%d polls asked from the start for %d clients", starts, len(clients))
			}
			c.say("new three")
			for _, client := range clients {
				client.want("new three")
				if len(client.events) > 0 {
					t.Errorf("got %+v as well", client.next())
				}
			}
		})
	}
}
