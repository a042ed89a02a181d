package feed

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// logOf returns a log that holds one event a node, of the given ids.
func logOf(keep int, ids ...string) *log {
	l := newLog(nil, NewBudget(1<<20))
	for _, id := range ids {
		l.append(sealed([]byte("x")), []mark{{id: id, end: 1}}, keep)
	}
	return l
}

func TestAnIDThatCameTwiceNamesNoPlaceUntilOneHasGone(t *testing.T) {
	l := logOf(3, "a", "b", "a")
	if _, ok := l.find("a"); ok {
		t.Error("found, though it could be either")
	}
	l.append(sealed([]byte("x")), []mark{{id: "c", end: 1}}, 3)
	if at, ok := l.find("a"); !ok || at.node.seq != 3 {
		t.Errorf("found is %t once the first has gone", ok)
	}
}

func TestALogIsBoundedByEventsAndBytes(t *testing.T) {
	l := logOf(3, "a", "b", "c", "d", "e")
	if _, ok := l.find("b"); ok || len(l.spots) != 3 {
		t.Errorf("%d places of three events", len(l.spots))
	}
	budget := NewBudget(10)
	l = newLog(nil, budget)
	for i := range 10 {
		l.append(sealed(make([]byte, 4)), []mark{{id: strconv.Itoa(i), end: 4}}, 1000)
	}
	if used := budget.Used(); used > 10 {
		t.Errorf("%d bytes held of 10", used)
	}
	l.free()
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes counted after the end", used)
	}
}

func TestBordersWithoutEventsAreBounded(t *testing.T) {
	l := logOf(10, "a")
	for i := range 10 * maxBorders {
		l.border(fmt.Sprint("quiet", i))
	}
	if len(l.spots) != 1+maxBorders {
		t.Errorf("%d places", len(l.spots))
	}
	if _, ok := l.find("quiet0"); ok {
		t.Error("the first border is still there")
	}
	at, ok := l.find(fmt.Sprint("quiet", 10*maxBorders-1))
	if !ok || at != l.end() {
		t.Error("the last border is not at the end")
	}
}

func TestAfterAForgetNoIDNamesAPlace(t *testing.T) {
	l := logOf(10, "a", "b")
	l.border("c")
	l.forget(nil)
	for _, id := range []string{"a", "b", "c"} {
		if _, ok := l.find(id); ok {
			t.Errorf("%s is still found", id)
		}
	}
	l.append(sealed([]byte("x")), []mark{{id: "a", end: 1}}, 1) // drops what has no ids any more
	if _, ok := l.find("a"); !ok {
		t.Error("the a of after is not found")
	}
}

// TestAnIDOfBeforeARestartIsNotResumedFromTheLog holds for an upstream whose epoch has changed.
func TestAnIDOfBeforeARestartIsNotResumedFromTheLog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(5)
		var restarted atomic.Bool
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if !ask.From.IsZero() && restarted.Swap(false) {
				return page.Page{Restarted: true}, nil
			}
			return u.poll(ctx, ask)
		}
		f := newFeed(testConfig())
		stay := join(t, f, "", poll)
		synctest.Wait()
		restarted.Store(true)
		u.mu.Lock()
		u.items = 2
		u.mu.Unlock()
		pass(5 * time.Second)
		synctest.Wait()
		if got := ids(t, stay); got != "1 2 3 4 5 bridge.reset 1 2" {
			t.Errorf("got %q", got)
		}
		f.mu.Lock()
		_, old := f.chains[0].log.find("4")
		f.mu.Unlock()
		if old {
			t.Error("an id of before still names a place")
		}
		stay.leave()
	})
}

// TestChainsMeetOnlyWhereAWholePageHasBeenSent holds for an upstream without order: b's last
// page has an item that a's log has after b's position.
func TestChainsMeetOnlyWhereAWholePageHasBeenSent(t *testing.T) {
	config := testConfig()
	f := newFeed(config)
	a, b := f.newChain(), f.newChain()
	at := func(id string) position.Position { return position.Position{Cursor: position.Cursor{id}} }
	for _, id := range []string{"1", "2", "3"} {
		a.log.append(sealed([]byte("x")), []mark{{id: id, end: 1}}, 10)
	}
	a.progress.at = at("3")
	b.log.append(sealed([]byte("xx")), []mark{{id: "3", end: 1}, {id: "2", end: 2}}, 10)
	b.progress.at = at("2")
	if _, ok := f.chains.met(b, a); ok {
		t.Error("they meet where 3 would be sent again")
	}
	b.log.append(sealed([]byte("x")), []mark{{id: "3", end: 1}}, 10)
	b.progress.at = at("3")
	if got, ok := f.chains.met(b, a); !ok || got != a.log.end() {
		t.Error("they do not meet at the end")
	}
}

func TestAStartThatWasHeldServesOnlyThoseWhoWaited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = 25 * time.Second
		f := newFeed(config)
		first := join(t, f, "", u.poll)
		pass(10 * time.Second)
		waits := join(t, f, "", u.poll)
		synctest.Wait()
		u.publish(1)
		synctest.Wait()
		late := join(t, f, "", u.poll)
		synctest.Wait()
		firsts := 0
		asks, _ := u.asked()
		for _, ask := range asks {
			if ask.First {
				firsts++
			}
		}
		if firsts != 2 {
			t.Errorf("%d first polls, for two that waited together and one that came late", firsts)
		}
		for _, c := range []*client{first, waits, late} {
			if got := ids(t, c); got != "1" {
				t.Errorf("got %q", got)
			}
			c.leave()
		}
	})
}

func TestEventsThatHaveLeftTheLogLeaveTheHeap(t *testing.T) {
	config := testConfig()
	config.LongPoll, config.Replay = true, 64
	pages := make(chan page.Page)
	poll := func(ctx context.Context, _ Ask) (page.Page, error) {
		select {
		case p := <-pages:
			return p, nil
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
	f := newFeed(config)
	r := f.Join("", Start{Poll: poll})
	at := func(n int) position.Position {
		return position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}
	}
	pages <- page.Page{News: true, Next: at(0)} // a border without events
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	data := []byte(strings.Repeat("x", 200))
	var before uint64
	for n := 1; n <= soak(100_000, 1_000_000); n++ {
		pages <- page.Page{News: true, Next: at(n), Events: []page.Event{{Data: data, At: at(n)}}}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if n == 10_000 {
			before = heap()
		}
	}
	if after := heap(); after > before+before/10+1<<18 {
		t.Errorf("the heap has grown from %d to %d bytes", before, after)
	}
	r.Close()
	f.Halt()
}

// It would come back with an id that means another event by then.
func TestAReaderThatIsTooSlowForItsLogIsToldThatThisHasStartedOver(t *testing.T) {
	for _, replay := range []int{1, 3, 5} {
		bubble(t, func(t *testing.T) {
			config := testConfig()
			config.Replay = replay
			var polls atomic.Int64
			poll := func(_ context.Context, ask Ask) (page.Page, error) {
				n := polls.Add(1)
				if n == 3 {
					return page.Page{Restarted: true, Next: ask.From}, nil
				}
				p := page.Page{News: true}
				for i := range 2 {
					p.Next = position.Position{Cursor: position.Cursor{strconv.FormatInt(2*(n%4)+int64(i), 10)}}
					p.Events = append(p.Events, page.Event{Data: fmt.Appendf(nil, "%d.%d", n, i), At: p.Next})
				}
				return p, nil
			}
			f := newFeed(config)
			slow := f.Join("", Start{Poll: poll})
			if b, err := slow.Next(); err != nil || !strings.Contains(string(b), "data: 1.1\n") {
				t.Fatalf("got %q, %v", b, err)
			}
			quick := join(t, f, "", poll)
			pass(9 * time.Second)
			synctest.Wait()
			quick.leave()
			wire := quick.text()
			_, since, _ := strings.Cut(wire, "event: bridge.reset\n")
			var got []byte
			for range 2 {
				b, err := slow.Next()
				if err != nil {
					t.Fatalf("replay %d: %v", replay, err)
				}
				got = append(got, b...)
			}
			notice, rest, _ := strings.Cut(string(got), "\n\n")
			if notice != "event: bridge.reset\ndata: {\"reason\":\"restarted\"}" || !strings.Contains(since, rest) || strings.Contains(rest, "data: 2.") {
				t.Errorf("replay %d: the slow one got %q of %q", replay, got, wire)
			}
			slow.Close()
		})
	}
}
