package feed

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// list is an upstream that answers each poll with all its lines, without a position.
type list struct{ text atomic.Pointer[string] }

func newList(text string) *list {
	l := new(list)
	l.text.Store(&text)
	return l
}

func (l *list) poll() Poll {
	reader := page.NewReader(page.Config{Format: page.Lines})
	return func(_ context.Context, ask Ask) (page.Page, error) {
		return reader.ReadOn(page.Response{Status: http.StatusOK, Header: http.Header{}, Body: []byte(*l.text.Load())}, ask.From, ask.Carry, nil)
	}
}

func TestNewcomersToListsWithoutAPositionShareTheirPolls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains, config.Cursors = 2, 2
		f := newFeed(config)
		u := newList("a\nb\nc\n")
		var clients []*client
		for range 6 {
			c := join(t, f, "", u.poll())
			synctest.Wait()
			if got := said(t, c); got != "a b c" {
				t.Errorf("newcomer %d got %q", len(clients), got)
			}
			clients = append(clients, c)
			pass(70 * time.Second)
		}
		if n := chainsOf(f); n != 1 {
			t.Errorf("there are %d chains", n)
		}
		for _, c := range clients {
			c.leave()
		}
	})
}

// Their first requests may name different lists.
func TestOtherRequestsForListsWithoutAPositionDoNotMeet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Cursors = 2
		f := newFeed(config)
		one, other := newList("a\nb\n"), newList("a\nb\n")
		c := joinAs(t, f, "", Start{Key: "one", Poll: one.poll()})
		d := joinAs(t, f, "", Start{Key: "other", Poll: other.poll()})
		pass(3 * time.Second)
		one.text.Store(new("a\nb\nc\n"))
		other.text.Store(new("a\nb\nd\n"))
		pass(3 * time.Second)
		synctest.Wait()
		if a, b := said(t, c), said(t, d); a != "a b c" || b != "a b d" {
			t.Errorf("they got %q and %q", a, b)
		}
		c.leave()
		d.leave()
	})
}

// file is a file of lines, as http.ServeContent serves it: with a Last-Modified, and without an ETag.
type file struct {
	mu       sync.Mutex
	text     string
	modified time.Time
	same     int // polls that were answered by a 304
}

func (u *file) write(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.text, u.modified = u.text+text, time.Now()
}

func (u *file) unchanged() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.same
}

func (u *file) poll() Poll {
	reader := page.NewReader(page.Config{Format: page.Lines, Unsent: true})
	return func(ctx context.Context, ask Ask) (page.Page, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		if !ask.From.Cursor.IsZero() {
			r.Header.Set("If-Modified-Since", ask.From.Cursor[1])
		}
		w := httptest.NewRecorder()
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		http.ServeContent(w, r, "log.txt", u.modified, strings.NewReader(u.text))
		if w.Code == http.StatusNotModified {
			u.same++
		}
		return reader.ReadOn(page.Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}, ask.From, ask.Carry, new(value.Env))
	}
}

func TestALineThatIsAddedWithinTheSecondOfAPollComes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Cursors, config.Unsent = 2, true
		u := new(file)
		u.write("a\n")
		c := join(t, newFeed(config), "", u.poll())
		pass(300 * time.Millisecond)
		u.write("b\n")
		pass(time.Minute)
		synctest.Wait()
		if got := said(t, c); !strings.HasPrefix(got, "a b") || strings.Contains(got, "bridge.reset") {
			t.Errorf("got %q", got)
		}
		if n := u.unchanged(); n < 20 {
			t.Errorf("%d polls of a minute without news were conditional", n)
		}
		c.leave()
	})
}

// A list may become again what it was: its first ETag says nothing of the items that came since.
func TestNoConditionOfBeforeStaysWhenItemsComeWithoutAny(t *testing.T) {
	bubble(t, func(t *testing.T) {
		type version struct{ text, etag, modified string }
		var now atomic.Pointer[version]
		reader := page.NewReader(page.Config{ID: path("id"), Order: page.NewestFirst, Unsent: true})
		poll := func(_ context.Context, ask Ask) (page.Page, error) {
			v := now.Load()
			resp := page.Response{Status: http.StatusOK, Body: []byte(v.text), Header: http.Header{
				"Date": {time.Now().UTC().Format(http.TimeFormat)}, "Etag": {v.etag}, "Last-Modified": {v.modified},
			}}
			if ask.Validators.ETag == v.etag {
				resp.Status, resp.Body = http.StatusNotModified, nil
			}
			return reader.ReadOn(resp, ask.From, ask.Carry, new(value.Env))
		}
		at := func(after time.Duration) string { return time.Now().Add(after).UTC().Format(http.TimeFormat) }
		first := &version{`[{"id":2},{"id":1}]`, `"2"`, at(-time.Hour)}
		now.Store(first)
		config := testConfig()
		config.Unsent = true
		c := join(t, newFeed(config), "", poll)
		pass(3 * time.Second)
		now.Store(&version{`[{"id":4},{"id":3}]`, `"4"`, at(time.Second)}) // which is when it is polled
		pass(2 * time.Second)
		now.Store(first)
		pass(time.Minute)
		synctest.Wait()
		if got, want := said(t, c), `{"id":1} {"id":2} bridge.reset {"id":3} {"id":4} bridge.reset {"id":1} {"id":2}`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c.leave()
	})
}
