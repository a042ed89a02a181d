package feed

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// upstream is a legacy backend with numbered items, in memory. It is a long-polled one if
// hold is set.
type upstream struct {
	mu    sync.Mutex
	items int // ids 1 to items
	wake  chan struct{}
	fail  error
	hold  time.Duration
	most  int // items in one answer; 0: all
	polls []Ask
	times []time.Time
}

func newUpstream() *upstream { return &upstream{wake: make(chan struct{})} }

func (u *upstream) publish(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.items += n
	close(u.wake)
	u.wake = make(chan struct{})
}

// setFail makes all polls fail, held ones too; nil makes them succeed again.
func (u *upstream) setFail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fail = err
	close(u.wake)
	u.wake = make(chan struct{})
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.polls)
}

// asked returns the polls so far and when each was made.
func (u *upstream) asked() ([]Ask, []time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.polls), slices.Clone(u.times)
}

// poll answers with items that have the id as their cursor; a first request gets all.
func (u *upstream) poll(ctx context.Context, ask Ask) (page.Page, error) {
	u.mu.Lock()
	u.polls, u.times = append(u.polls, ask), append(u.times, time.Now())
	u.mu.Unlock()
	deadline := time.After(u.hold)
	for {
		u.mu.Lock()
		fail, items, wake := u.fail, u.items, u.wake
		u.mu.Unlock()
		if fail != nil {
			return page.Page{}, fail
		}
		since := 0
		if !ask.From.Cursor.IsZero() {
			n, err := strconv.Atoi(ask.From.Cursor[0])
			if err != nil {
				return page.Page{}, &page.Refusal{Status: http.StatusBadRequest}
			}
			since = n
		}
		if since < items || u.hold == 0 {
			p := page.Page{News: since < items, Empty: since >= items, Next: ask.From}
			for i := since + 1; i <= items && (u.most == 0 || len(p.Events) < u.most); i++ {
				at := position.Position{Cursor: position.Cursor{strconv.Itoa(i)}}
				p.Events = append(p.Events, page.Event{Data: fmt.Appendf(nil, "item %d", i), At: at, Key: strconv.Itoa(i)})
				p.Next = at
			}
			return p, nil
		}
		select {
		case <-wake:
		case <-deadline:
			return page.Page{Next: ask.From}, nil
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
}

// bubble runs a test on simulated time. It fails if a goroutine is left a minute after it.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t)
		pass(time.Minute)
	})
}

func testConfig() *Config {
	return &Config{
		Cursors: 1, Interval: 2 * time.Second, Linger: 5 * time.Second, Replay: 1000,
		Budget: NewBudget(64 << 20), Schedule: new(Schedule),
		Chains: 8,
		NewJar: func() http.CookieJar { return nil },
		Closed: func(*Feed) {},
	}
}

// client reads a stream in a goroutine of its own, as a handler does.
type client struct {
	reader *Reader
	mu     sync.Mutex
	wire   []byte
	end    *End
	done   chan struct{}
}

func join(t *testing.T, f *Feed, lastID string, poll Poll) *client {
	t.Helper()
	return joinAs(t, f, lastID, Start{Poll: poll})
}

func joinAs(t *testing.T, f *Feed, lastID string, start Start) *client {
	t.Helper()
	c := &client{reader: f.Join(lastID, start), done: make(chan struct{})}
	if c.reader == nil {
		t.Fatal("the feed is closed")
	}
	go func() {
		defer close(c.done)
		defer c.reader.Close()
		for {
			b, err := c.reader.Next()
			c.mu.Lock()
			c.wire = append(c.wire, b...)
			if err != nil {
				c.end = err.(*End)
				c.mu.Unlock()
				return
			}
			c.mu.Unlock()
		}
	}()
	return c
}

// leave ends the stream as a client does that goes away.
func (c *client) leave() {
	c.reader.Stop(Gone)
	<-c.done
}

// received is an event as a client gets it.
type received struct{ Type, Data, LastEventID string }

// events parses what the client has got.
func (c *client) events(t *testing.T) []received {
	t.Helper()
	wire := c.text()
	if wire != "" && !strings.HasSuffix(wire, "\n") {
		t.Fatalf("the stream ends within a line: %q", wire)
	}
	var events []received
	id := ""
	for block := range strings.SplitSeq(wire, "\n\n") {
		var data []string
		e, isEvent := received{}, false
		for line := range strings.SplitSeq(block, "\n") {
			name, text, _ := strings.Cut(line, ":")
			text = strings.TrimPrefix(text, " ")
			switch name {
			case "event":
				e.Type = text
			case "data":
				data = append(data, text)
			case "id":
				id = text
			default: // a comment, or retry
				continue
			}
			isEvent = true
		}
		if isEvent {
			e.Data, e.LastEventID = strings.Join(data, "\n"), id
			events = append(events, e)
		}
	}
	return events
}

func (c *client) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.wire)
}

func newFeed(config *Config) *Feed { return New(config, zap.NewNop()) }

// pass lets simulated time pass.
func pass(d time.Duration) { <-time.After(d) }
