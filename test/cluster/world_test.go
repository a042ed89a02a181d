package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// plan is how large a world is.
type plan struct {
	engine  string
	caddy   string // the program; empty: it is built
	nodes   int
	feeds   int
	kinds   []kind
	clients int
	life    time.Duration // of a client's connection, on average; 0: clients stay where they are
	every   time.Duration // between two numbers of a feed, on average
}

// world is nodes, what connects them, the upstream behind them, and the clients.
type world struct {
	plan

	t        testing.TB
	clock    *testclock.Clock
	upstream *upstream
	servers  *engine
	all      []*node
	clients  []*client
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu         sync.Mutex
	deliveries []delivery
}

func newWorld(t testing.TB, p plan) *world {
	t.Helper()
	if p.caddy == "" {
		p.caddy = build(t, "caddy", "./cmd/caddy")
	}
	w := &world{plan: p, t: t, clock: testclock.New(t), servers: newEngine(t, p.engine), upstream: newUpstream(t, p.feeds, p.every, p.kinds...)}
	for i := range p.nodes {
		n := newNode(t, p.caddy, fmt.Sprintf("node-%d", i), w.servers.option, w.upstream.addr)
		w.all = append(w.all, n)
		n.rises()
	}
	if p.engine != "none" {
		testsite.Eventually(t, "the nodes to hear one another", w.meets)
	}
	for i := range p.clients {
		c := &client{id: i, source: w.upstream.sources[i%p.feeds], nodes: w.all, life: p.life, heard: w.hear}
		if p.life == 0 {
			c.on = w.all[i/p.feeds%p.nodes]
		}
		w.clients = append(w.clients, c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	for _, c := range w.clients {
		w.running.Go(func() { c.follow(ctx) })
	}
	t.Cleanup(func() {
		w.stop()
		w.running.Wait()
		streamTransport.CloseIdleConnections()
		adminClient.CloseIdleConnections()
	})
	testsite.Eventually(t, "all clients to get a number", func() bool {
		return !slices.ContainsFunc(w.clients, func(c *client) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.last == 0
		})
	})
	if p.engine != "none" {
		w.settles()
	}
	return w
}

func (w *world) hear(d delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliveries = append(w.deliveries, d)
}

// meets reports whether each node hears all others.
func (w *world) meets() bool {
	return !slices.ContainsFunc(w.all, func(n *node) bool {
		c := n.look().Cluster
		return c == nil || !c.Up || len(c.Nodes) != len(w.all)-1
	})
}

// shares reports whether one node polls each feed, and all others follow it.
func (w *world) shares() bool {
	polls := make(map[string]int)
	for _, n := range w.all {
		o := n.look()
		for path, how := range o.polled() {
			if how != "elsewhere" {
				polls[path]++
			}
		}
	}
	return !slices.ContainsFunc(w.upstream.sources, func(s *source) bool { return polls[s.path] != 1 })
}

// settles waits until all nodes are there, and share the polls of all feeds.
func (w *world) settles() {
	w.t.Helper()
	testsite.Eventually(w.t, "all nodes to be there, and to share all feeds", func() bool { return w.meets() && w.shares() })
}

// pollerOf returns the node that polls a feed, and all feeds that it polls.
func (w *world) pollerOf(s *source) (n *node, polls []*source) {
	w.t.Helper()
	testsite.Eventually(w.t, "a node to poll "+s.path, func() bool {
		for _, n = range w.all {
			o := n.look()
			if how := o.polled(); how[s.path] == "here" || how[s.path] == "alone" {
				polls = slices.DeleteFunc(slices.Clone(w.upstream.sources), func(s *source) bool { return how[s.path] != "here" && how[s.path] != "alone" })
				return true
			}
		}
		return false
	})
	return n, polls
}

// goesOn lets the world go on for a while.
func (w *world) goesOn(d time.Duration) (from, to time.Time) {
	w.t.Helper()
	from = time.Now()
	select {
	case <-time.After(d):
	case <-w.t.Context().Done():
		w.t.Fatal("the test has ended")
	}
	return from, time.Now()
}

// finish waits until all clients have all, and stops them. It returns what was lost and repeated, and what else was wrong.
func (w *world) finish() (lost, repeated int, wrong []string) {
	w.t.Helper()
	w.upstream.silence()
	for _, c := range w.clients {
		testsite.Eventually(w.t, fmt.Sprintf("client %d of %s to get all", c.id, c.source.path), c.has)
	}
	w.stop()
	w.running.Wait()
	for _, c := range w.clients {
		lost, repeated, wrong = lost+c.lost, repeated+c.repeated, append(wrong, c.told...)
	}
	slices.Sort(wrong)
	return lost, repeated, wrong
}

// came returns how many numbers the feeds have said, and how many came to clients on streams that were there before.
func (w *world) came() (said, came int) {
	for _, s := range w.upstream.sources {
		said += s.newest()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return said, len(w.deliveries)
}
