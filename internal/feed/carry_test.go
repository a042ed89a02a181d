package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// pages is an upstream with page cursors whose pages are what a test says, by the cursor that they are
// asked for by: items, a colon and the next cursor.
type pages struct {
	mu     sync.Mutex
	reader *page.Reader
	by     map[string]string
	asked  []string
	times  []time.Time
}

func newPages(by map[string]string) *pages {
	items, _ := value.ParsePath("a")
	cursor, _ := value.Parse("c")
	return &pages{by: by, reader: page.NewReader(page.Config{
		Format: page.JSON, Items: items, Cursors: []page.Cursor{{Values: []value.Value{cursor}}},
	})}
}

func (u *pages) set(cursor, answer string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.by[cursor] = answer
}

// polled are the cursors that were asked for.
func (u *pages) polled() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.asked, " ")
}

func (u *pages) poll(_ context.Context, ask Ask) (page.Page, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	cursor := ""
	if !ask.From.Cursor.IsZero() {
		cursor = ask.From.Cursor[0]
	}
	u.asked, u.times = append(u.asked, cursor), append(u.times, time.Now())
	items, next, _ := strings.Cut(u.by[cursor], ":")
	body := fmt.Sprintf(`{"a":[%s],"c":%q}`, strings.Join(strings.Fields(items), ","), next)
	return u.reader.ReadOn(page.Response{Status: 200, Header: http.Header{}, Body: []byte(body)}, ask.From, ask.Carry, nil)
}

// said are the data of what a client has got.
func said(t *testing.T, c *client) string {
	t.Helper()
	var all []string
	for _, e := range c.events(t) {
		if e.Type != "" {
			all = append(all, e.Type)
			continue
		}
		all = append(all, e.Data)
	}
	return strings.Join(all, " ")
}

// idWithin returns the id behind so many items of a page.
func idWithin(t *testing.T, u *pages, cursor string, done int) string {
	t.Helper()
	for _, e := range mustPoll(t, u, cursor).Events {
		if e.At.Done == done {
			return e.At.ID()
		}
	}
	t.Fatalf("no item of the page %s has %d before it", cursor, done)
	return ""
}

func mustPoll(t *testing.T, u *pages, cursor string) page.Page {
	t.Helper()
	var ask Ask
	if cursor != "" {
		ask.From.Cursor = []string{cursor}
	}
	p, err := u.poll(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	u.asked, u.times = nil, nil
	return p
}

func TestAClientGoesOnBehindItsPlaceInPagesThatWereCutAnew(t *testing.T) {
	for name, c := range map[string]struct {
		from  string // of which seven items are done
		now   map[string]string
		want  string
		polls string
	}{
		"cut anew":                   {"1", map[string]string{"1": "1 2 3:2", "2": "4 5 6:3", "3": "7 8 9:4", "4": ":4"}, "8 9", "1 2 3 4"},
		"trimmed":                    {"1", map[string]string{"1": "5 6 7:2", "2": "8 9:4", "4": ":4"}, "8 9", "1 2"},
		"trimmed further":            {"1", map[string]string{"1": "8 9 10:2", "2": "11:4", "4": ":4"}, "8 9 10 11", "1 2"},
		"nothing behind it":          {"1", map[string]string{"1": "8 9 10:2", "2": ":2"}, "8 9 10", "1 2"},
		"from the start":             {"", map[string]string{"": "1 2 3:2", "2": "4 5 6 7 8:3", "3": ":3"}, "8", " 2 3"},
		"from the start, and others": {"", map[string]string{"": "8 9 10:2", "2": ":2"}, "bridge.reset 8 9 10", " 2"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newPages(map[string]string{c.from: "1 2 3 4 5 6 7 8:9"})
				id := idWithin(t, u, c.from, 7)
				u.by = c.now
				f := newFeed(testConfig())
				client := join(t, f, id, u.poll)
				pass(3 * time.Second) // an interval is 2s: what decides is asked for at once
				synctest.Wait()
				if got := said(t, client); got != c.want || !strings.HasPrefix(u.polled(), c.polls) {
					t.Errorf("got %q by polls of %q, want %q by %q", got, u.polled(), c.want, c.polls)
				}
				u.set("4", "20:5")
				u.set("3", "20:5")
				u.set("2", "20:5")
				pass(10 * time.Second)
				synctest.Wait()
				if got := said(t, client); got != c.want+" 20" {
					t.Errorf("later it has %q", got)
				}
				client.leave()
			})
		})
	}
}

func TestWhatIsHeldBackOutlivesAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newPages(map[string]string{"1": "1 2 3 4 5 6 7 8:9"})
		id := idWithin(t, u, "1", 7)
		u.by = map[string]string{"1": "8 9:2", "2": "10 11 12 13 14 15:3", "3": ":3"}
		f := newFeed(testConfig())
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if len(ask.From.Cursor) > 0 && ask.From.Cursor[0] == "2" && ask.Number < 3 {
				return page.Page{}, &page.Error{Comment: "status 503", Err: errors.New("overload")}
			}
			return u.poll(ctx, ask)
		}
		c := join(t, f, id, poll)
		pass(2 * time.Minute)
		if got := said(t, c); got != "8 9 10 11 12 13 14 15" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

// Where the readers stand is where the chain meets others, and not where it asks.
func TestAChainThatLooksForItsPlaceStandsWhereItsReadersDo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newPages(map[string]string{"1": "1 2 3 4 5 6 7 8:9"})
		id := idWithin(t, u, "1", 7)
		u.by = map[string]string{"1": "1 2:2", "2": "3 4:3", "3": "20:4", "4": ":4"}
		f := newFeed(testConfig())
		release := make(chan struct{})
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if ask.Carry != nil && ask.From.Cursor[0] == "3" {
				select {
				case <-release:
				case <-ctx.Done():
					return page.Page{}, ctx.Err()
				}
			}
			return u.poll(ctx, ask)
		}
		c := join(t, f, id, poll)
		synctest.Wait()
		f.mu.Lock()
		chain := f.chains[0]
		at := chain.progress.at.ID()
		_, there := chain.log.find(id)
		_, border := chain.log.find("3")
		f.mu.Unlock()
		if at != id || !there || border {
			t.Errorf("it stands at %s, its log knows that: %t, and the border where it asks: %t", at, there, border)
		}
		other := join(t, f, id, poll)
		synctest.Wait()
		if n := chainsOf(f); n != 1 {
			t.Errorf("%d chains", n)
		}
		close(release)
		pass(3 * time.Second)
		for _, client := range []*client{c, other} {
			if got := said(t, client); got != "1 2 3 4 20" {
				t.Errorf("got %q", got)
			}
			client.leave()
		}
	})
}

func TestAnUpstreamThatStartsOverEndsTheSearchForAPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newPages(map[string]string{"1": "1 2 3 4 5 6 7 8:9"})
		id := idWithin(t, u, "1", 7)
		u.by = map[string]string{"1": "1 2:2", "": "30 31:5", "5": ":5"}
		f := New(testConfig(), zap.NewNop())
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if ask.Carry != nil {
				return page.Page{Reset: true, Next: ask.From}, nil
			}
			return u.poll(ctx, ask)
		}
		c := join(t, f, id, poll)
		pass(3 * time.Second)
		if got := said(t, c); got != "bridge.reset 30 31" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}
