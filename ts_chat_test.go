package ssebridge

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// chat is a legacy chat backend: `?lastId=N` answers with what came after N, and is held while
// there is nothing.
type chat struct {
	mu    sync.Mutex
	lines []string
	wake  chan struct{}
	polls []*http.Request
	hold  time.Duration
}

func newChat(hold time.Duration) *chat { return &chat{wake: make(chan struct{}), hold: hold} }

func (c *chat) say(lines ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, lines...)
	close(c.wake)
	c.wake = make(chan struct{})
}

func (c *chat) polled() []*http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*http.Request(nil), c.polls...)
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.polls = append(c.polls, r.Clone(context.Background()))
	c.mu.Unlock()
	since := 0
	fmt.Sscan(r.URL.Query().Get("lastId"), &since)
	deadline := time.After(c.hold)
	for {
		c.mu.Lock()
		lines, wake := c.lines, c.wake
		c.mu.Unlock()
		if since < len(lines) || c.hold == 0 {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"messages":[`)
			for i := since; i < len(lines); i++ {
				if i > since {
					fmt.Fprint(w, ",")
				}
				fmt.Fprintf(w, `{"id":%d,"text":%q}`, i+1, lines[i])
			}
			fmt.Fprint(w, `]}`)
			return
		}
		select {
		case <-wake:
		case <-deadline:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-r.Context().Done():
			return
		}
	}
}

// chatSite is the Caddyfile of a site in front of a chat.
func chatSite(upstream string, more ...string) string {
	return fmt.Sprintf(`{{site}} {
	sse_bridge /messages %s {
		long_poll
		items messages
		id id
		data text
		query lastId {sse.cursor}
		%s
	}
	respond 404
}`, upstream, strings.Join(more, "\n\t\t"))
}

// bridgeSite is the Caddyfile of a site with one sse_bridge in front of an upstream.
func bridgeSite(upstream string, lines ...string) string {
	return fmt.Sprintf("{{site}} {\n\tsse_bridge %s {\n\t\t%s\n\t}\n}\n", upstream, strings.Join(lines, "\n\t\t"))
}

// formatSite is the Caddyfile of a site whose answers are read as the lines say.
func formatSite(upstream string, lines ...string) string {
	return fmt.Sprintf("{{site}} {\n\tsse_bridge %s {\n\t\t%s\n\t}\n}", upstream, strings.Join(lines, "\n\t\t"))
}

// lifeSite is the Caddyfile of a site in front of a chat, with so many unrelated blocks before
// the bridge, which has the given lines.
func lifeSite(upstream string, unrelated int, lines ...string) string {
	var before strings.Builder
	for i := range unrelated {
		fmt.Fprintf(&before, "handle /unrelated%d/* {\n\t\thandle /unrelated%[1]d/a {\n\t\t\trespond a\n\t\t}\n\t\thandle {\n\t\t\trespond b\n\t\t}\n\t}\n\t", i)
	}
	return fmt.Sprintf(`{{site}} {
	%shandle /messages {
		sse_bridge {
			upstream {
				handle /messages {
					probe
					reverse_proxy %s
				}
				handle {
					respond 404
				}
			}
			long_poll
			items messages
			id id
			data text
			query lastId {sse.cursor}
			%s
		}
	}
	handle {
		respond 404
	}
}`, before.String(), upstream, strings.Join(lines, "\n\t\t\t"))
}

// publish lets a chat say something again and again, until stop is called, which returns how
// many lines there are.
func (c *chat) publish(every time.Duration) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	c.say("hello") // so that streams open without delay
	go func() {
		defer close(done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case at := <-ticker.C:
				c.say(at.String())
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() int {
		cancel()
		<-done
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.lines)
	}
}
