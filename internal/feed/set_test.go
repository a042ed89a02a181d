package feed

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// listing is an upstream that lists what there is now.
type listing struct {
	reader *page.Reader
	items  atomic.Pointer[string]
}

func newListing(items string) *listing {
	path := path("@this")
	l := &listing{reader: page.NewReader(page.Config{Format: page.JSON, ID: path, Set: true})}
	l.set(items)
	return l
}

// set makes a list of words.
func (l *listing) set(words string) {
	text := `["` + strings.Join(strings.Fields(words), `","`) + `"]`
	if words == "" {
		text = "[]"
	}
	l.items.Store(&text)
	pass(3 * time.Second)
	synctest.Wait()
}

func (l *listing) poll(_ context.Context, ask Ask) (page.Page, error) {
	return l.reader.ReadSet(page.Response{Status: 200, Body: []byte(*l.items.Load())}, ask.From, ask.Set, 0, nil)
}

func setConfig() *Config {
	config := testConfig()
	config.Document, config.Set, config.Cursors = true, true, 0
	return config
}

// changesOf returns the events that a client got, with a word for each: ["a"] is a snapshot, -"a" and +"a" are changes.
func changesOf(t *testing.T, c *client) (all string, ids []string) {
	t.Helper()
	var words []string
	for _, e := range c.events(t) {
		words = append(words, map[string]string{page.Added: "+", page.Removed: "-"}[e.Type]+e.Data)
		ids = append(ids, e.LastEventID)
	}
	return strings.Join(words, " "), ids
}

// A client is cut after each event of three changes, and comes back to the node that it came from, and to another one
// that has seen the same: it gets what comes after, and no snapshot.
func TestAChangeOfASetGoesOnWhereItWasCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newListing("a b c")
		here, there := newFeed(setConfig()), newFeed(setConfig())
		c, d := join(t, here, "", l.poll), join(t, there, "", l.poll)
		l.set("a b c")
		for _, words := range []string{"c d e", "", "c a b", "a b c x"} {
			l.set(words)
		}
		l.set("x c b a") // in another order
		all, ids := changesOf(t, c)
		if want := `["a","b","c"] -"a" -"b" +"d" +"e" -"c" -"d" -"e" +"c" +"a" +"b" +"x"`; all != want {
			t.Fatalf("got %s, not %s", all, want)
		}
		events := strings.Split(all, " ")
		for i, id := range ids {
			want := strings.Join(events[i+1:], " ")
			if id == ids[0] { // the set of the first event was there again
				want = `+"x"`
			}
			for _, f := range []*Feed{here, there} {
				again := join(t, f, id, l.poll)
				pass(3 * time.Second)
				synctest.Wait()
				if got, _ := changesOf(t, again); got != want {
					t.Errorf("after %s, which is event %d: got %s, not %s", id, i, got, want)
				}
				again.leave()
			}
		}
		for id, want := range map[string]string{"": `["x","c","b","a"]`, "AAAAAAAAAAAAAAAA": `["x","c","b","a"]`, ids[0] + "~9.AAAAAAAA": `["x","c","b","a"]`} {
			e := join(t, here, id, l.poll)
			pass(3 * time.Second)
			synctest.Wait()
			if got, _ := changesOf(t, e); got != want {
				t.Errorf("after %q: got %s", id, got)
			}
			e.leave()
		}
		c.leave()
		d.leave()
	})
}

// An answer that is no set is an error, and the set stays as it was.
func TestWhatIsNoSetChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := newListing("a b")
		c := join(t, newFeed(setConfig()), "", l.poll)
		l.set("a b")
		l.set("a a")
		pass(maxBackoff)
		l.set("a c")
		pass(maxBackoff)
		synctest.Wait()
		if got, _ := changesOf(t, c); got != `["a","b"] -"b" +"c"` {
			t.Errorf("got %s", got)
		}
		if wire := string(c.wire); !strings.Contains(wire, ": unreadable answer\n") {
			t.Errorf("nothing is said of the unreadable answer: %s", wire)
		}
		c.leave()
	})
}
