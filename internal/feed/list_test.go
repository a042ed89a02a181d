package feed

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
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
