package testsite

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

// Chat is a legacy chat backend: `?lastId=N` answers with what came after N, and is held while
// there is nothing.
type Chat struct {
	Mu    sync.Mutex
	Lines []string
	wake  chan struct{}
	Polls []*http.Request
	hold  time.Duration
}

func NewChat(hold time.Duration) *Chat { return &Chat{wake: make(chan struct{}), hold: hold} }

func (c *Chat) Say(lines ...string) {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	c.Lines = append(c.Lines, lines...)
	close(c.wake)
	c.wake = make(chan struct{})
}

func (c *Chat) Polled() []*http.Request {
	c.Mu.Lock()
	defer c.Mu.Unlock()
	return append([]*http.Request(nil), c.Polls...)
}

func (c *Chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.Mu.Lock()
	c.Polls = append(c.Polls, r.Clone(context.Background()))
	c.Mu.Unlock()
	since := 0
	fmt.Sscan(r.URL.Query().Get("lastId"), &since)
	deadline := time.After(c.hold)
	for {
		c.Mu.Lock()
		lines, wake := c.Lines, c.wake
		c.Mu.Unlock()
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

// ChatSite is the Caddyfile of a site in front of a chat.
func ChatSite(upstream string, more ...string) string {
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

// BridgeSite is the Caddyfile of a site with one sse_bridge in front of an upstream.
func BridgeSite(upstream string, lines ...string) string {
	return fmt.Sprintf("{{site}} {\n\tsse_bridge %s {\n\t\t%s\n\t}\n}\n", upstream, strings.Join(lines, "\n\t\t"))
}

// FormatSite is the Caddyfile of a site whose answers are read as the lines say.
func FormatSite(upstream string, lines ...string) string {
	return fmt.Sprintf("{{site}} {\n\tsse_bridge %s {\n\t\t%s\n\t}\n}", upstream, strings.Join(lines, "\n\t\t"))
}

// LifeSite is the Caddyfile of a site in front of a chat, with so many unrelated blocks before
// the bridge, which has the given lines.
func LifeSite(upstream string, unrelated int, lines ...string) string {
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

// Publish lets a chat say something again and again, until stop is called, which returns how
// many lines there are.
func (c *Chat) Publish(every time.Duration) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	c.Say("hello") // so that streams open without delay
	go func() {
		defer close(done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case at := <-ticker.C:
				c.Say(at.String())
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() int {
		cancel()
		<-done
		c.Mu.Lock()
		defer c.Mu.Unlock()
		return len(c.Lines)
	}
}
