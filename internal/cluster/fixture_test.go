package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interval is the least time between two polls.
const interval = 500 * time.Millisecond

// upstream is a backend in memory with numbered items, or one that is a document.
type upstream struct {
	document bool
	hold     time.Duration // of a poll; 0: it is answered at once
	size     int           // of an item, at least

	mu          sync.Mutex
	unreachable map[int]bool // for these nodes
	items       int
	fail        error
	end         bool
	run         int // of its numbers
	wake        chan struct{}
	polls       []poll
}

// poll is a poll that it got.
type poll struct {
	node int
	at   time.Time
	from string
}

func (u *upstream) change(do func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	do()
	close(u.wake)
	u.wake = make(chan struct{})
}

func (u *upstream) publish(n int) { u.change(func() { u.items += n }) }

// since returns the polls since a time, and how many of them each node has made.
func (u *upstream) since(t time.Time) (all []poll, by map[int]int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	by = make(map[int]int)
	for _, p := range u.polls {
		if !p.at.Before(t) {
			all = append(all, p)
			by[p.node]++
		}
	}
	return all, by
}

// pollOf is the upstream for a node.
func (u *upstream) pollOf(node int) feed.Poll {
	return func(ctx context.Context, ask feed.Ask) (page.Page, error) {
		u.mu.Lock()
		u.polls = append(u.polls, poll{node, time.Now(), ask.From.ID()})
		u.mu.Unlock()
		deadline := time.After(u.hold)
		for {
			u.mu.Lock()
			answer, news, err := u.answer(ask)
			if u.unreachable[node] {
				err = &page.Error{Comment: page.Unreachable, Err: errors.New("no route")}
			}
			wake := u.wake
			u.mu.Unlock()
			if err != nil || news || u.hold == 0 {
				return answer, err
			}
			select {
			case <-wake:
			case <-deadline:
				return answer, nil
			case <-ctx.Done():
				return page.Page{}, ctx.Err()
			}
		}
	}
}

// answer answers a poll; news says that a long poll is answered now. u.mu is held.
func (u *upstream) answer(ask feed.Ask) (p page.Page, news bool, err error) {
	if u.fail != nil {
		return page.Page{}, false, u.fail
	}
	if u.document {
		data := fmt.Appendf(nil, `{"n":%d}`, u.items)
		tag := strconv.Itoa(u.items)
		if ask.Validators.ETag == tag {
			return page.Page{Next: ask.From, Status: http.StatusNotModified, Validators: ask.Validators}, false, nil
		}
		return page.Page{
			News: true, Status: http.StatusOK, Next: ask.From, Validators: page.Validators{ETag: tag},
			Events: []page.Event{{Data: data, Key: position.Hash("", data)}},
		}, true, nil
	}
	since := max(u.items-3, 0)
	if !ask.From.Cursor.IsZero() {
		if since, err = strconv.Atoi(ask.From.Cursor[0]); err != nil {
			return page.Page{}, false, &page.Refusal{Status: http.StatusBadRequest}
		}
	}
	p = page.Page{Status: http.StatusOK, News: since < u.items, Empty: since >= u.items, Next: ask.From, End: u.end}
	if since > u.items {
		return page.Page{Reset: true}, true, nil
	}
	for i := since + 1; i <= u.items; i++ {
		at := position.Position{Cursor: position.Cursor{strconv.Itoa(i)}}
		data := fmt.Sprintf("item %d.%d %s", u.run, i, strings.Repeat("x", u.size))
		p.Events = append(p.Events, page.Event{Data: []byte(data), At: at, Key: strconv.Itoa(i)})
		p.Next = at
	}
	return p, p.News || u.end, nil
}

// nodes are some nodes in front of one upstream.
type site struct {
	t        *testing.T
	upstream *upstream
	bus      *testbus.Bus
	members  []*Member
	feeds    []*feed.Feed
	configs  []*feed.Config
	clients  []*client
	logs     *observer.ObservedLogs
}

// newSite starts nodes, each with a feed of the upstream.
func newSite(t *testing.T, n int, u *upstream) *site {
	t.Helper()
	s := &site{t: t, upstream: u, bus: testbus.New(n, testbus.Faults{})}
	core, logs := observer.New(zapcore.InfoLevel)
	s.logs, u.wake = logs, make(chan struct{})
	for i := range n {
		s.members = append(s.members, New(s.bus.Nodes[i], Settings{Name: fmt.Sprint("node ", i), Version: "v1", Logger: zap.New(core)}))
		s.configs = append(s.configs, &feed.Config{
			Cursors: 1, Interval: interval, Linger: 5 * time.Second, Replay: 1000, Budget: feed.NewBudget(64 << 20),
			Schedule: new(feed.Schedule), Chains: 8, Document: u.document, LongPoll: u.hold > 0,
			NewJar: func() http.CookieJar { return nil }, Closed: func(*feed.Feed) {},
		})
		s.feeds = append(s.feeds, nil)
	}
	return s
}

// startSite starts nodes, each with a client that has got what there is.
func startSite(t *testing.T, n int, u *upstream) *site {
	t.Helper()
	s := newSite(t, n, u)
	for i := range n {
		s.join(i, "")
	}
	pass(interval)
	return s
}

// open gives a node a feed.
func (s *site) open(i int, bridge, key string) {
	s.t.Helper()
	s.feeds[i] = feed.New(s.configs[i], zap.NewNop())
	s.share(i, bridge, key)
}

func (s *site) share(i int, bridge, key string) *Share {
	s.t.Helper()
	share, err := s.members[i].Share(Feed{
		Bridge: bridge, Key: []byte(key), Document: s.upstream.document, LongPoll: s.upstream.hold > 0, Interval: interval,
	}, s.feeds[i])
	if err != nil {
		s.t.Fatal(err)
	}
	s.feeds[i].Share(share)
	return share
}

// close ends all clients, and all nodes.
func (s *site) close() {
	for _, c := range s.clients {
		c.leave()
	}
	for _, m := range s.members {
		m.Close()
	}
	pass(10 * time.Second)
}

// client reads a stream.
type client struct {
	reader *feed.Reader
	mu     sync.Mutex
	wire   string
	came   map[string]time.Time // of each event, by its data
	end    *feed.End
	done   chan struct{}
	slow   chan struct{} // nil: it reads at once
}

// join joins the feed of a node.
func (s *site) join(i int, lastID string) *client { return s.joinAs(i, lastID, nil) }

func (s *site) joinAs(i int, lastID string, slow chan struct{}) *client {
	s.t.Helper()
	if s.feeds[i] == nil {
		s.open(i, "bridge", "feed")
	}
	c := &client{reader: s.feeds[i].Join(lastID, feed.Start{Poll: s.upstream.pollOf(i)}), done: make(chan struct{}), came: make(map[string]time.Time), slow: slow}
	if c.reader == nil {
		s.t.Fatal("the feed is closed")
	}
	s.clients = append(s.clients, c)
	go c.read()
	return c
}

func (c *client) read() {
	defer close(c.done)
	defer c.reader.Close()
	for {
		b, err := c.reader.Next()
		c.mu.Lock()
		c.wire += string(b)
		for block := range strings.SplitSeq(string(b), "\n\n") {
			for line := range strings.SplitSeq(block, "\n") {
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					c.came[strings.TrimSpace(data)] = time.Now()
				}
			}
		}
		if err != nil {
			c.end = err.(*feed.End)
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		if c.slow != nil {
			<-c.slow
		}
	}
}

func (c *client) leave() {
	c.reader.Stop(feed.Gone)
	if c.slow != nil {
		select {
		case <-c.slow:
		default:
			close(c.slow)
		}
	}
	<-c.done
}

// text returns what the client has got.
func (c *client) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wire
}

// items returns the items that the client has got, as "run.number".
func (c *client) items() (all []string) {
	for line := range strings.SplitSeq(c.text(), "\n") {
		if rest, ok := strings.CutPrefix(line, "data: item "); ok {
			n, _, _ := strings.Cut(rest, " ")
			all = append(all, n)
		}
	}
	return all
}

// wants fails unless the client has got these items of the first run, once and in order.
func (c *client) wants(t *testing.T, from, to int) {
	t.Helper()
	var want []string
	for i := from; i <= to; i++ {
		want = append(want, fmt.Sprint("0.", i))
	}
	if got := c.items(); !slices.Equal(got, want) {
		at := 0
		for at < len(got) && at < len(want) && got[at] == want[at] {
			at++
		}
		t.Errorf("a client got %d items instead of %d to %d: after %d of them %v", len(got), from, to, at, got[at:min(at+5, len(got))])
	}
}

func pass(d time.Duration) { <-time.After(d) }

// bubble runs a test in simulated time, in which no goroutine may be left.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}
