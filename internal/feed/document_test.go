package feed

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// registry is an upstream of a document that counts its versions, as Consul does: a poll with the
// newest index, or a greater one, is held.
type registry struct {
	mu    sync.Mutex
	value string
	index int
	hold  time.Duration
	fail  error
	wake  chan struct{}
	asked []string
}

func newRegistry(value string, index int) *registry {
	return &registry{value: value, index: index, wake: make(chan struct{})}
}

func (g *registry) set(value string, index int, fail error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.value, g.index, g.fail = value, index, fail
	close(g.wake)
	g.wake = make(chan struct{})
}

func (g *registry) polls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	asked := g.asked
	g.asked = nil
	return asked
}

func (g *registry) poll(ctx context.Context, ask Ask) (page.Page, error) {
	since := 0
	if !ask.From.Cursor.IsZero() {
		since, _ = strconv.Atoi(ask.From.Cursor[0])
	}
	g.mu.Lock()
	g.asked = append(g.asked, strconv.Itoa(since))
	g.mu.Unlock()
	if ask.Reached != nil {
		ask.Reached(Sent)
	}
	deadline := time.After(g.hold)
	for {
		g.mu.Lock()
		value, index, fail, wake := g.value, g.index, g.fail, g.wake
		g.mu.Unlock()
		switch {
		case fail != nil:
			return page.Page{}, fail
		case index > since || g.hold == 0:
			return page.Page{
				Status: 200, News: true, Next: position.Position{Cursor: position.Cursor{strconv.Itoa(index)}},
				Events: []page.Event{{Data: []byte(value), Key: position.Hash("", []byte(value))}},
			}, nil
		}
		select {
		case <-wake:
		case <-deadline: // the poll's own time is over
			return page.Page{Next: ask.From}, nil
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
}

func documentConfig(longPoll bool) *Config {
	config := testConfig()
	config.Document, config.LongPoll = true, longPoll
	return config
}

// Now and then a poll with the cursor finds out whether it is newcomers alone that get no answer. The one
// that is under way when the upstream is back is held for a cursor of before the outage.
func TestADocumentIsNewAfterAnOutageHoweverLongItWas(t *testing.T) {
	for seconds := range 60 {
		bubble(t, func(t *testing.T) {
			g := newRegistry("old", 202)
			g.hold = time.Hour
			c := join(t, newFeed(documentConfig(true)), "", func(ctx context.Context, ask Ask) (page.Page, error) {
				pass(time.Second) // it takes a while for the upstream to have it
				return g.poll(ctx, ask)
			})
			pass(3 * time.Second)
			g.set("old", 202, errUnreachable)
			pass(time.Duration(1+seconds) * time.Second)
			g.set("new", 17, nil)
			pass(maxBackoff + 3*holding)
			synctest.Wait()
			if got := texts(t, c); got != "old new" {
				t.Errorf("after an outage of %d s: got %q", 1+seconds, got)
			}
			c.leave()
		})
	}
}

func TestADocumentIsAskedForWithoutItsCursorAfterAnOutage(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		for _, index := range []int{17, 202, 300} {
			bubble(t, func(t *testing.T) {
				config, turns := documentConfig(longPoll), new(turns)
				config.Turned = turns.turned
				g := newRegistry("old", 202)
				g.hold = 5 * time.Minute
				c := join(t, newFeed(config), "", g.poll)
				pass(3 * time.Second)
				g.set("old", 202, errUnreachable)
				pass(10 * time.Second)
				g.polls()
				g.set("new", index, nil)
				back := time.Now()
				pass(maxBackoff)
				synctest.Wait()
				if got := texts(t, c); got != "old new" {
					t.Errorf("long poll %t, index %d: got %q", longPoll, index, got)
				}
				if asked := g.polls(); asked[0] != "0" || len(asked) < 2 || asked[1] != strconv.Itoa(index) {
					t.Errorf("long poll %t, index %d: asked with %q", longPoll, index, asked)
				}
				if downs, ups := turns.so(); downs != 1 || len(ups) != 1 || ups[0].Sub(back) > maxBackoff {
					t.Errorf("long poll %t, index %d: down %d times, up at %v, after %v", longPoll, index, downs, ups, back)
				}
				c.leave()
			})
		}
	}
}

// A backend that restarts faster than a poll may hold the old, greater cursor for ever.
func TestADocumentWhosePollHasOutlivedItsTimeIsAskedForWithoutItsCursor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := newRegistry("old", 202)
		g.hold = 70 * time.Second
		c := join(t, newFeed(documentConfig(true)), "", g.poll)
		pass(3 * time.Second)
		g.mu.Lock()
		g.value, g.index = "new", 17 // nobody hears of it
		g.mu.Unlock()
		pass(g.hold)
		synctest.Wait()
		if got := texts(t, c); got != "old new" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

// What a client has read on another node may be newer than what this one knows.
func TestADocumentNeverGoesBackForAClientThatComesFromAnotherNode(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		for _, diff := range []bool{false, true} {
			for _, others := range []bool{false, true} {
				t.Run(fmt.Sprintf("long poll %t, diff %t, others stay %t", longPoll, diff, others), func(t *testing.T) {
					bubble(t, func(t *testing.T) { comesFromAnotherNode(t, longPoll, diff, others) })
				})
			}
		}
	}
}

func comesFromAnotherNode(t *testing.T, longPoll, diff, others bool) {
	node := func() *Config {
		config := documentConfig(longPoll)
		if diff {
			config.Diff = func(before, after []byte) ([]byte, bool, error) {
				return fmt.Appendf(nil, "%s to %s", before, after), true, nil
			}
		}
		return config
	}
	g := newRegistry("v1", 1)
	g.hold = time.Minute
	slow := func(ctx context.Context, ask Ask) (page.Page, error) { // a node that hears of news late
		p, err := g.poll(ctx, ask)
		pass(800 * time.Millisecond)
		return p, err
	}
	a, b := newFeed(node()), newFeed(node())
	c := join(t, a, "", slow)
	pass(2 * time.Second)
	if !others {
		c.leave()
	}
	reader := join(t, b, "", g.poll)
	pass(500 * time.Millisecond)
	g.set("v5", 5, nil)
	pass(2 * time.Second)
	read := reader.events(t)
	if last := read[len(read)-1]; !strings.HasSuffix(last.Data, "v5") {
		t.Fatalf("it has read %q on the other node", last.Data)
	}
	version := 5
	for range 4 { // at other moments between the node's polls
		version++
		g.set(fmt.Sprintf("v%d", version), version, nil)
		pass(700 * time.Millisecond)
		read = reader.events(t)
		last := read[len(read)-1]
		back := join(t, a, last.LastEventID, slow)
		pass(200 * time.Millisecond)
		version++
		g.set(fmt.Sprintf("v%d", version), version, nil)
		pass(5 * time.Second)
		had := versionOf(last.Data)
		for _, e := range back.events(t) {
			if n := versionOf(e.Data); n <= had {
				t.Errorf("it had v%d, and back on the node it got v%d", had, n)
			} else {
				had = n
			}
		}
		if had != version {
			t.Errorf("in the end it had v%d of %d", had, version)
		}
		back.leave()
	}
	reader.leave()
	if others {
		c.leave()
	}
}

// versionOf is the newest version that a document or a patch speaks of.
func versionOf(data string) int {
	n, _ := strconv.Atoi(data[strings.LastIndex(data, "v")+1:])
	return n
}

// A poll that is held says that there is nothing newer.
func TestAClientWithAnOldDocumentDoesNotWaitForAPollThatIsHeld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := newRegistry("now", 7)
		g.hold = 5 * time.Minute
		f := newFeed(documentConfig(true))
		stays := join(t, f, "", g.poll)
		pass(10 * time.Second)
		for _, id := range []string{"", "of yesterday"} {
			c := join(t, f, id, g.poll)
			pass(held)
			synctest.Wait()
			if got := texts(t, c); got != "now" {
				t.Errorf("who came with the id %q got %q", id, got)
			}
			c.leave()
		}
		g.set("now and then", 8, nil)
		pass(100 * time.Millisecond)
		stays.leave()
		g.set("new", 9, nil) // which is read, and nobody polls on while the chain lingers
		pass(100 * time.Millisecond)
		g.set("newer", 10, nil)
		c := join(t, f, "", g.poll)
		pass(2 * time.Second)
		synctest.Wait()
		if got := texts(t, c); got != "newer" {
			t.Errorf("who came when nobody polled got %q", got)
		}
		c.leave()
	})
}

// Those who were cut off while the document changed are told at once.
func TestAClientWithTheDocumentBeforeGetsTheNewestAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := newRegistry("v1", 1)
		g.hold = 5 * time.Minute
		f := newFeed(documentConfig(true))
		stays := join(t, f, "", g.poll)
		pass(time.Second)
		g.set("v2", 2, nil)
		pass(time.Second)
		synctest.Wait()
		c := join(t, f, stays.events(t)[0].LastEventID, g.poll)
		synctest.Wait()
		if got := texts(t, c); got != "v2" {
			t.Errorf("got %q", got)
		}
		c.leave()
		stays.leave()
	})
}

// A log is written while it is read, without a lock: a reader may find the next document before the log
// calls it the newest.
func TestADocumentIsTakenOnceWhileTheNextOneIsPublished(t *testing.T) {
	l := newLog(nil, NewBudget(1<<20))
	r := &Reader{feed: &New(documentConfig(false), zap.NewNop()).common, at: l.end()}
	l.append(sealed([]byte("one")), nil, 1)
	first := l.tail.Load()
	l.append(sealed([]byte("two")), nil, 1)
	l.tail.Store(first)
	var got []string
	for range 3 {
		b, err := r.take()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	if want := []string{"one", "two", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Neither an answer without a body nor a poll that hangs says that there is no newer document than the one
// that is known here.
func TestADocumentOfBeforeIsNotShownToAClientThatHasANewerOne(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			config := documentConfig(longPoll)
			config.Interval = 300 * time.Millisecond
			g := newRegistry("v1", 1)
			g.hold = 2 * time.Second
			var nothing atomic.Bool
			poll := func(ctx context.Context, ask Ask) (page.Page, error) {
				if nothing.Load() && (!ask.First || !longPoll) { // without a cursor, each poll is a first one
					pass(g.hold)
					if !longPoll {
						nothing.Store(false)
					}
					return page.Page{Next: ask.From}, nil
				}
				if !longPoll {
					g.mu.Lock()
					defer g.mu.Unlock()
					return page.Page{Status: 200, News: true, Events: []page.Event{{Data: []byte(g.value), Key: position.Hash("", []byte(g.value))}}}, nil
				}
				return g.poll(ctx, ask)
			}
			f := newFeed(config)
			stay := join(t, f, "", poll)
			pass(200 * time.Millisecond)
			nothing.Store(true)
			if longPoll {
				pass(5 * time.Second)
			}
			g.set("v5", 5, nil)
			back := join(t, f, position.Hash("", []byte("v5")), poll)
			pass(10 * time.Second)
			synctest.Wait()
			if got := texts(t, back); got != "" {
				t.Errorf("long poll %t: a client with v5 got %q", longPoll, got)
			}
			back.leave()
			stay.leave()
		})
	}
}
