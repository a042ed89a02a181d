package feed

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
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

func TestWhoHasWaitedForAProbeGoesOnOnceItIsHeld(t *testing.T) {
	for range 20 { // the first probe may be too soon, and the next one another chain's
		bubble(t, aProbeIsHeld)
	}
}

func aProbeIsHeld(t *testing.T) {
	config := testConfig()
	config.LongPoll = true
	u := &flaky{upstream: newUpstream()}
	u.hold = 10 * time.Minute
	u.publish(1000)
	f := newFeed(config)
	head := join(t, f, "999", u.poll) // which probes: it is the oldest
	behind := join(t, f, "0", func(ctx context.Context, ask Ask) (page.Page, error) {
		pass(100 * time.Millisecond)
		p, err := u.poll(ctx, ask)
		if len(p.Events) > 1 {
			p.Events = p.Events[:1]
			p.Next = p.Events[0].At
		}
		return p, err
	})
	pass(3 * time.Second)
	u.set(errOverload)
	pass(200 * time.Millisecond)
	u.set(nil)
	before := len(behind.events(t))
	pass(maxBackoff + 2*held)
	if len(behind.events(t)) == before {
		t.Error("it waits for the end of a poll that the upstream holds")
	}
	head.leave()
	behind.leave()
}
