package feed

import (
	"context"
	"errors"
	"net/http"
	"runtime"
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

// pollTimeout is how long a poll hangs in these tests, as it would by default.
const pollTimeout = 30 * time.Second

var (
	errOverload    = &page.Error{Comment: "status 503", Err: errors.New("overload")}
	errUnreachable = &page.Error{Comment: "upstream unreachable", Err: errors.New("connection refused")}
	errHangs       = errors.New("no answer within 30s")
)

// flaky is an upstream that is away for a while.
type flaky struct {
	*upstream
	mu     sync.Mutex
	fail   error
	failed []time.Time // when failed polls began
	first  time.Time   // when one has failed first
	now    int         // polls under way
	most   int         // the most of them since the first has failed
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	f.fail = err
	f.mu.Unlock()
	if err == errHangs {
		err = nil // held polls go on
	}
	f.setFail(err)
}

func (f *flaky) poll(ctx context.Context, ask Ask) (page.Page, error) {
	f.mu.Lock()
	began, fail := time.Now(), f.fail
	f.now++
	if !f.first.IsZero() && began.After(f.first) && fail != nil {
		f.most = max(f.most, f.now)
	}
	f.mu.Unlock()
	p, err := page.Page{}, fail
	if fail == errHangs {
		select {
		case <-time.After(pollTimeout):
		case <-ctx.Done():
			err = ctx.Err()
		}
	} else {
		p, err = f.upstream.poll(ctx, ask)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	if err != nil && ctx.Err() == nil {
		f.failed = append(f.failed, began)
		if f.first.IsZero() {
			f.first = time.Now()
		}
	}
	return p, err
}

func (f *flaky) failures() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.failed)
}

// probes returns how many of the failed polls began after the first one had failed: those before
// could not know.
func (f *flaky) probes() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, at := range f.failed {
		if at.After(f.first) {
			n++
		}
	}
	return n
}

func TestOutageOfAMinute(t *testing.T) {
	for _, outage := range []struct {
		name string
		err  error
	}{
		{"503", errOverload},
		{"404 of a feed that has worked", &page.Refusal{Status: http.StatusNotFound}},
		{"302 of a feed that has worked", &page.Refusal{Status: http.StatusFound}},
		{"refused connections", errUnreachable},
		{"polls that hang until their timeout", errHangs},
	} {
		for _, setup := range []struct {
			name     string
			longPoll bool
			chains   int // for ten clients
		}{
			{"one chain", false, 1}, {"one chain that is long-polled", true, 1}, {"ten chains", false, 10},
		} {
			t.Run(outage.name+", "+setup.name, func(t *testing.T) {
				// the waits are drawn at random: one outage says little
				const outages = 10
				polls := 0
				for range outages {
					bubble(t, func(t *testing.T) { polls += outageOfAMinute(t, outage.err, setup.longPoll, setup.chains) })
				}
				t.Logf("%.1f polls in an outage", float64(polls)/outages)
				if polls > 12*outages {
					t.Errorf("%d polls in %d outages of a minute", polls, outages)
				}
			})
		}
	}
}

// outageOfAMinute has ten clients live through an outage, and returns how many polls it has seen.
func outageOfAMinute(t *testing.T, err error, longPoll bool, chains int) int {
	config := testConfig()
	config.LongPoll, config.Chains = longPoll, max(chains, 2)
	u := &flaky{upstream: newUpstream()}
	if longPoll {
		u.hold = 25 * time.Second
	}
	if chains > 1 {
		u.upstream.most = 1 // so that nobody catches up
	}
	u.publish(10_000)
	f := newFeed(config)
	var clients []*client
	for i := range 10 {
		id := "10000"
		if chains > 1 {
			id = strconv.Itoa(500 * i)
		}
		clients = append(clients, join(t, f, id, u.poll))
	}
	pass(8 * time.Second)
	u.publish(1) // the feed has worked
	pass(time.Second)
	synctest.Wait()
	if n := chainsOf(f); n != chains {
		t.Fatalf("%d chains", n)
	}
	u.set(err)
	pass(time.Minute)
	synctest.Wait()
	for _, c := range clients {
		if c.reader.end.Load() != nil {
			t.Fatalf("a stream has ended: %v", c.reader.end.Load())
		}
	}
	polls := u.probes()
	if chains == 1 {
		polls = u.failures()
	} else if u.most > 1 && err != errHangs { // those that hang were sent before
		t.Errorf("%d polls at once while the feed fails", u.most)
	}
	before := make([]int, len(clients))
	for i, c := range clients {
		before[i] = len(c.events(t))
	}
	u.set(nil)
	u.publish(1)
	pass(maxBackoff + time.Second)
	synctest.Wait()
	for i, c := range clients {
		if len(c.events(t)) == before[i] {
			t.Error("a client has got nothing within the longest backoff")
		}
		c.leave()
	}
	return polls
}

func TestWhileAFeedFailsNewcomersWaitForItsProbe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &flaky{upstream: newUpstream()}
		u.publish(1)
		f := newFeed(testConfig())
		clients := []*client{join(t, f, "", u.poll)}
		pass(time.Second)
		u.set(errOverload)
		pass(30 * time.Second)
		before := u.failures()
		for i := range 7 {
			r := f.Join("", Start{Key: strconv.Itoa(i), Poll: u.poll})
			clients = append(clients, &client{reader: r})
		}
		synctest.Wait()
		if n := u.failures() - before; n > 1 {
			t.Errorf("%d polls of seven newcomers", n)
		}
		u.set(nil)
		u.publish(1)
		pass(maxBackoff + time.Second)
		for i, c := range clients[1:] {
			for !strings.Contains(c.text(), "id: 2\n") {
				b, err := c.reader.Next()
				if err != nil {
					t.Fatalf("newcomer %d: %v", i, err)
				}
				c.wire = append(c.wire, b...)
			}
			c.reader.Close()
		}
		clients[0].leave()
	})
}

func TestAProberThatLeavesIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Linger = 50 * time.Second // for so long, who has left does not end
		u := &flaky{upstream: newUpstream()}
		u.upstream.most = 1
		u.publish(10_000)
		f := newFeed(config)
		var clients []*client
		for i := range 4 {
			clients = append(clients, join(t, f, strconv.Itoa(1000*i), u.poll))
		}
		pass(5 * time.Second)
		u.set(errOverload)
		pass(20 * time.Second)
		for _, c := range clients[:3] {
			c.leave()
		}
		u.set(nil)
		before := len(clients[3].events(t))
		pass(maxBackoff + time.Second)
		if len(clients[3].events(t)) == before {
			t.Error("nobody has found out that the upstream is back")
		}
		clients[3].leave()
	})
}

func TestWhoComesWhileTheProbeIsHeldDoesNotWaitForIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := &flaky{upstream: newUpstream()}
		u.hold = 10 * time.Minute
		u.publish(3)
		f := newFeed(config)
		head := join(t, f, "", u.poll)
		pass(time.Second)
		u.set(errOverload)
		pass(20 * time.Second)
		u.set(nil)
		pass(maxBackoff + time.Second) // the probe is held by now
		back := join(t, f, "0", u.poll)
		pass(held)
		synctest.Wait()
		if got := ids(t, back); got != "1 2 3" {
			t.Errorf("got %q", got)
		}
		head.leave()
		back.leave()
	})
}

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
			if ask.From.Cursor[0] != "5" {
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
				pass(15 * time.Second)
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
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = time.Minute
		u.publish(100)
		f := newFeed(config)
		head := join(t, f, "100", u.poll)
		pass(time.Second)
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

func TestClientsAreToldOfAnOutageOnce(t *testing.T) {
	for _, document := range []bool{false, true} {
		for _, notify := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				config.Document, config.Notify = document, notify
				u := newUpstream()
				u.publish(1)
				f := newFeed(config)
				a := join(t, f, "", u.poll)
				pass(time.Second)
				u.setFail(errOverload)
				pass(20 * time.Second)
				late := join(t, f, "", u.poll)
				synctest.Wait()
				down := ": status 503\n\n"
				if notify {
					down += "event: bridge.upstream\ndata: {\"state\":\"down\",\"reason\":\"status 503\"}\n\n"
				}
				if got := late.text(); got != down {
					t.Errorf("who comes during the outage got %q at once", got)
				}
				u.setFail(errUnreachable) // it is still down
				pass(40 * time.Second)
				u.setFail(nil)
				u.publish(1)
				pass(maxBackoff + time.Second)
				synctest.Wait()
				up := "event: bridge.upstream\ndata: {\"state\":\"up\"}\n\n"
				for name, c := range map[string]*client{"who was there": a, "who came": late} {
					text := c.text()
					downs, ups := strings.Count(text, `"down"`), strings.Count(text, up)
					want := 0
					if notify {
						want = 1
					}
					if downs != want || ups != want || strings.Count(text, ": upstream unreachable\n") != 1 {
						t.Errorf("document %t, notify %t: %s was told %q", document, notify, name, text)
					}
					if notify && strings.LastIndex(text, "data: item") < strings.Index(text, up) {
						t.Errorf("document %t: %s got events before it heard that the upstream is back: %q", document, name, text)
					}
					c.leave()
				}
			})
		}
	}
}

func TestALifetimeDoesNotWaitForWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(3)
		f := newFeed(testConfig())
		r := f.Join("", Start{Poll: u.poll})
		synctest.Wait()
		r.Stop(Lifetime)
		_, err := r.Next()
		if end := (*End)(nil); !errors.As(err, &end) || end.Reason != Lifetime {
			t.Errorf("got %v", err)
		}
		r.Close()
	})
}

// TestALogOf64DoesNotGrow sends events through a log that holds few of them.
func TestALogOf64DoesNotGrow(t *testing.T) {
	const batch, samples = 50, 10
	events := soak(200_000, 1_000_000)
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll, config.Replay = true, 64
		next := make(chan struct{})
		n := 0
		r := newFeed(config).Join("", Start{Poll: func(ctx context.Context, ask Ask) (page.Page, error) {
			select {
			case <-next:
			case <-ctx.Done():
				return page.Page{}, ctx.Err()
			}
			p := page.Page{News: true}
			for range batch {
				n++
				p.Next = position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}
				p.Events = append(p.Events, page.Event{Data: []byte("an event of some bytes"), At: p.Next})
			}
			return p, nil
		}})
		var heap []float64
		for i := range events / batch {
			next <- struct{}{}
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			if (i+1)%(events/batch/samples) == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap = append(heap, float64(m.HeapAlloc))
			}
		}
		r.Close()
		pass(time.Minute)
		growth := slope(heap[1:]) / heap[1] * 100_000 / (float64(events) / samples)
		t.Logf("%.0f bytes; %.4f %% more per 100,000 of %d events", heap[1], 100*growth, n)
		if growth > 0.01 {
			t.Errorf("the heap grows by %.2f %% per 100,000 events: %.0f", 100*growth, heap)
		}
	})
}

// slope is that of the line that fits best through samples at equal distances.
func slope(y []float64) float64 {
	var meanX, meanY, above, below float64
	for i := range y {
		meanX += float64(i) / float64(len(y))
		meanY += y[i] / float64(len(y))
	}
	for i := range y {
		above += (float64(i) - meanX) * (y[i] - meanY)
		below += (float64(i) - meanX) * (float64(i) - meanX)
	}
	return above / below
}
