package feed

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

func TestARequestThatFailsByItselfSlowsNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(1)
		f := newFeed(testConfig())
		head := join(t, f, "", u.poll)
		pass(3 * time.Second)
		var bad atomic.Int64
		r := f.Join("", Start{Key: "bad", Poll: func(context.Context, Ask) (page.Page, error) {
			bad.Add(1)
			return page.Page{}, errOverload
		}})
		before := u.count()
		pass(time.Minute)
		if n := u.count() - before; n < 29 {
			t.Errorf("%d polls of the head in a minute", n)
		}
		if n := bad.Load(); n > 20 {
			t.Errorf("%d polls of the request that fails", n)
		}
		if strings.Contains(head.text(), "503") {
			t.Errorf("the others were told that the upstream is down: %q", head.text())
		}
		r.Close()
		head.leave()
	})
}

// TestAPageThatFailsByItselfIsBackedOff has a chain fail at a place that it came to by good answers,
// while the head's polls are answered.
func TestAPageThatFailsByItselfIsBackedOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.most = 10
		u.publish(100)
		f := newFeed(testConfig())
		head := join(t, f, "100", u.poll)
		pass(time.Second)
		var bad atomic.Int64
		behind := join(t, f, "5", func(ctx context.Context, ask Ask) (page.Page, error) {
			if !ask.First && ask.From.Cursor[0] != "5" {
				bad.Add(1)
				return page.Page{}, errOverload
			}
			return u.poll(ctx, ask)
		})
		pass(5 * time.Second)
		before, failures := u.count(), bad.Load()
		pass(2 * time.Minute)
		if n := u.count() - before; n < 59 {
			t.Errorf("%d polls of the head in two minutes", n)
		}
		if n := bad.Load() - failures; n > 30 {
			t.Errorf("%d polls of the page that fails in two minutes", n)
		}
		head.leave()
		behind.leave()
	})
}

// TestOneClientsIDRefusesNobodyElse has clients come with an id that the upstream cannot answer.
func TestOneClientsIDRefusesNobodyElse(t *testing.T) {
	for _, answer := range []error{
		&page.Refusal{Status: 400}, &page.Refusal{Status: 401}, &page.Refusal{Status: 403}, &page.Refusal{Status: 404}, &page.Refusal{Status: 410},
		errOverload, errUnreachable,
	} {
		for _, longPoll := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				config.LongPoll = longPoll
				u := newUpstream()
				if longPoll {
					u.hold = time.Minute
				}
				u.publish(3)
				f := newFeed(config)
				poll := func(ctx context.Context, ask Ask) (page.Page, error) {
					if !ask.From.Cursor.IsZero() && strings.HasPrefix(ask.From.Cursor[0], "666") {
						return page.Page{}, answer
					}
					return u.poll(ctx, ask)
				}
				good := join(t, f, "", poll)
				pass(3 * time.Second)
				bad := join(t, f, "666", poll)
				worse := join(t, f, "6666", poll)
				for range 5 {
					pass(2 * time.Second)
					back := join(t, f, "1", poll)
					pass(100 * time.Millisecond)
					synctest.Wait()
					if got := ids(t, back); got != "2 3" {
						t.Errorf("%v: who comes with a good id got %q, not the rest at once", answer, got)
					}
					back.leave()
				}
				pass(30 * time.Second) // its polls are backed off by chance
				u.publish(1)
				pass(3 * time.Second)
				synctest.Wait()
				if got := ids(t, good); got != "1 2 3 4" || good.reader.end.Load() != nil || strings.Contains(good.text(), ": ") && strings.Contains(good.text(), "upstream") {
					t.Errorf("%v: the other client got %q, end %v", answer, good.text(), good.reader.end.Load())
				}
				if got := ids(t, bad); got != "bridge.reset 1 2 3 4" {
					t.Errorf("%v, long poll %t: who came with the id got %q", answer, longPoll, got)
				}
				good.leave()
				bad.leave()
				worse.leave()
			})
		}
	}
}

// TestAPositionThatIsGoneEndsNobodyElse has the upstream forget a place that it has answered from.
func TestAPositionThatIsGoneEndsNobodyElse(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) { aPositionIsGone(t, longPoll) })
	}
}

func aPositionIsGone(t *testing.T, longPoll bool) {
	config := testConfig()
	config.LongPoll, config.MaxInterval = longPoll, 30*time.Second
	u := newUpstream()
	if longPoll {
		u.hold = time.Minute
	}
	u.publish(100)
	f := newFeed(config)
	head := join(t, f, "100", u.poll)
	pass(75 * time.Second) // polls that find nothing are far apart by now
	behind := join(t, f, "5", func(ctx context.Context, ask Ask) (page.Page, error) {
		switch {
		case ask.First:
			return u.poll(ctx, ask)
		case ask.From.Cursor[0] == "5":
			at := position.Position{Cursor: position.Cursor{"6"}}
			return page.Page{News: true, Events: []page.Event{{Data: []byte("item 6"), At: at, Key: "6"}}, Next: at}, nil
		case ask.From.Cursor[0] == "6":
			return page.Page{}, &page.Refusal{Status: http.StatusGone}
		}
		return u.poll(ctx, ask)
	})
	pass(20 * time.Second)
	synctest.Wait()
	if end := head.reader.end.Load(); end != nil {
		t.Errorf("the head has ended: %v", end)
	}
	if got := ids(t, behind); !strings.HasPrefix(got, "6 bridge.reset 1 2 3") {
		t.Errorf("who is behind got %.60q", got)
	}
	head.leave()
	behind.leave()
}

// TestAnIDThatIsGoneEndsNobodyElseWhoseAnswerIsLongAgo has the polls of the others be far apart.
func TestAnIDThatIsGoneEndsNobodyElseWhoseAnswerIsLongAgo(t *testing.T) {
	for _, status := range []int{401, 403, 410} {
		for _, alone := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				config.MaxInterval = 30 * time.Second
				u := newUpstream()
				u.publish(3)
				poll := func(ctx context.Context, ask Ask) (page.Page, error) {
					if !ask.First && ask.From.Cursor[0] == "666" {
						return page.Page{}, &page.Refusal{Status: status}
					}
					return u.poll(ctx, ask)
				}
				f := newFeed(config)
				head := join(t, f, "", poll)
				pass(75 * time.Second)
				if alone {
					head.leave()
				}
				back := join(t, f, "666", poll)
				pass(5 * time.Second)
				synctest.Wait()
				if end := head.reader.end.Load(); !alone && (end != nil || strings.Contains(head.text(), "upstream")) {
					t.Errorf("status %d: the other client got %q, end %v", status, head.text(), end)
				}
				if got := ids(t, back); got != "bridge.reset 1 2 3" || back.reader.end.Load() != nil {
					t.Errorf("status %d, alone %t: who came with the id got %q, end %v", status, alone, back.text(), back.reader.end.Load())
				}
				if !alone {
					head.leave()
				}
				back.leave()
			})
		}
	}
}

// TestTheFirstClientsIDRefusesNobodyElse has the upstream's first contact be a client with an id
// that it cannot answer, and others come while that is found out.
func TestTheFirstClientsIDRefusesNobodyElse(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410} {
		bubble(t, func(t *testing.T) {
			u := newUpstream()
			u.publish(3)
			config := testConfig()
			config.Notify = true
			f := newFeed(config)
			poll := func(ctx context.Context, ask Ask) (page.Page, error) {
				if !ask.From.Cursor.IsZero() && ask.From.Cursor[0] == "666" {
					pass(10 * time.Millisecond)
					return page.Page{}, &page.Refusal{Status: status}
				}
				pass(50 * time.Millisecond)
				return u.poll(ctx, ask)
			}
			clients := []*client{join(t, f, "666", poll)}
			for _, after := range []time.Duration{0, 20 * time.Millisecond, time.Second} {
				pass(after)
				clients = append(clients, join(t, f, "", poll))
			}
			pass(10 * time.Second)
			synctest.Wait()
			for i, c := range clients {
				want := "1 2 3"
				if i == 0 {
					want = "bridge.reset 1 2 3"
				}
				if got := ids(t, c); got != want || strings.Contains(c.text(), "upstream") || c.reader.end.Load() != nil {
					t.Errorf("status %d, client %d: got %q, end %v", status, i, c.text(), c.reader.end.Load())
				}
				c.leave()
			}
		})
	}
}

// The upstream holds the poll of one client, and refuses each position that it gives to another one.
func TestPositionsThatAreRefusedAgainAndAgainAreBackedOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var anew []Why // for when it is polled that starts over
		config := testConfig()
		config.LongPoll, config.Tokens = true, true
		config.Polled = func(p Polled) {
			mu.Lock()
			defer mu.Unlock()
			if p.Err != nil && p.Next.From.IsZero() {
				anew = append(anew, p.Why)
			}
		}
		var given atomic.Int64
		f := newFeed(config)
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if ask.Reached != nil {
				ask.Reached(Sent)
			}
			switch {
			case ask.From.Cursor.IsZero():
				token := "t" + strconv.FormatInt(given.Add(1), 10)
				return page.Page{Next: position.Position{Cursor: position.Cursor{token}}, News: true, Empty: true}, nil
			case ask.From.Cursor[0] != "good":
				return page.Page{}, &page.Refusal{Status: http.StatusGone}
			}
			select {
			case <-time.After(50 * time.Second):
				return page.Page{Next: ask.From, Empty: true}, nil
			case <-ctx.Done():
				return page.Page{}, ctx.Err()
			}
		}
		good := join(t, f, "good", poll)
		pass(5 * time.Second)
		bad := join(t, f, "bad", poll)
		pass(5 * time.Minute)
		mu.Lock()
		if len(anew) < 5 || anew[0] != AtOnce || slices.ContainsFunc(anew[1:], func(w Why) bool { return w != Backoff }) {
			t.Errorf("it starts over %v", anew)
		}
		mu.Unlock()
		good.leave()
		bad.leave()
	})
}

// TestALoginThatHasEndedIsFoundOutByThoseWhoComeBack has the head's poll be held meanwhile.
func TestALoginThatHasEndedIsFoundOutByThoseWhoComeBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = 10 * time.Minute
		u.publish(3)
		f := newFeed(config)
		start := time.Now()
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if time.Since(start) > 5*time.Second {
				return page.Page{}, &page.Refusal{Status: http.StatusUnauthorized}
			}
			return u.poll(ctx, ask)
		}
		head := join(t, f, "", poll)
		pass(6 * time.Second)
		back := join(t, f, "0", poll) // which no log holds
		pass(20 * time.Second)
		for _, c := range []*client{head, back} {
			select {
			case <-c.done:
				if c.end.Reason != Refused {
					t.Errorf("got %v", c.end)
				}
			default:
				t.Error("a stream goes on without a login")
				c.leave()
			}
		}
	})
}

// The upstream asks one chain alone to wait, which times its polls by those of another one.
func TestAChainBesideAnotherWaitsAsLongAsItIsAskedTo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(100)
		f := newFeed(testConfig())
		head := join(t, f, "100", u.poll)
		pass(3 * time.Second)
		u.most = 1
		polls := 0
		behind := join(t, f, "5", func(ctx context.Context, ask Ask) (page.Page, error) {
			polls++
			p, err := u.poll(ctx, ask)
			p.Wait = 20 * time.Second
			return p, err
		})
		pass(50 * time.Second)
		synctest.Wait()
		if polls != 3 {
			t.Errorf("%d polls in fifty seconds that are to be twenty apart", polls)
		}
		head.leave()
		behind.leave()
	})
}
