//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/buttons"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/chat"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/tally"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/wire"
)

const outage = 10 * time.Second

// control has the nodes, answers the buttons of the page, and tells it what to check itself against.
type control struct {
	ctx      context.Context // until the end
	nodes    []*node
	stats    string // the backend's URL of its counts, past the wire
	visitors *visitors
	started  time.Time
	failed   chan error // what ends all

	running sync.WaitGroup

	mu   sync.Mutex
	nats *natsServer
	away time.Time // until when the NATS server is stopped
}

// state is what the page asks for. Counts are since the start.
type state struct {
	chat.Stats
	Started  int64         `json:"started"` // when, in milliseconds since 1970
	At       int64         `json:"at"`      // milliseconds since then
	Away     int64         `json:"away"`    // milliseconds until the NATS server is back, or 0
	Nodes    []nodeState   `json:"nodes"`
	Visitors visitorsState `json:"visitors"`
}

type visitorsState struct {
	tally.State
	Here int64 `json:"here"`
}

func (c *control) handler() http.Handler {
	return buttons.Handler(c.state, map[string]func() error{"kill": c.kill, "nats": c.stopNATS})
}

// fail ends all.
func (c *control) fail(err error) {
	select {
	case c.failed <- err:
	default: // it ends already
	}
}

// startNodes starts all nodes, and keeps them until c.ctx ends.
func (c *control) startNodes() error {
	for _, n := range c.nodes {
		if err := n.launch(); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		if err := n.ready(c.ctx); err != nil {
			return err
		}
		c.running.Go(func() {
			if err := n.keep(c.ctx); err != nil {
				c.fail(err)
			}
		})
	}
	return nil
}

// stopNodes ends all nodes, at the same time.
func (c *control) stopNodes() {
	var all sync.WaitGroup
	for _, n := range c.nodes {
		all.Go(n.stop)
	}
	all.Wait()
}

// polledBy sorts polls that come to the backend by the node that makes them.
func (c *control) polledBy(r *http.Request) *wire.Traffic {
	if r.UserAgent() != "sse_bridge" {
		return nil
	}
	for _, n := range c.nodes {
		if n.name == r.Header.Get("X-Node") {
			return &n.polls
		}
	}
	return nil
}

// look asks all nodes what they do.
func (c *control) look(ctx context.Context) []nodeState {
	states := make([]nodeState, len(c.nodes))
	var all sync.WaitGroup
	for i, n := range c.nodes {
		all.Go(func() { states[i] = n.state(ctx) })
	}
	all.Wait()
	return states
}

// kill kills the node that polls.
func (c *control) kill() error {
	for i, s := range c.look(c.ctx) {
		if s.Standing == polls {
			return c.nodes[i].kill()
		}
	}
	return errors.New("no node polls for all just now")
}

// stopNATS stops the NATS server for a while.
func (c *control) stopNATS() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.away) {
		return errors.New("the NATS server is stopped already")
	}
	c.away = time.Now().Add(outage)
	c.nats.stop()
	c.running.Go(func() {
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(outage):
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := c.nats.start(); err != nil {
			c.fail(fmt.Errorf("after an outage: %w", err))
		}
	})
	return nil
}

func (c *control) state(w http.ResponseWriter, r *http.Request) {
	stats, err := chat.FetchStats(r.Context(), c.stats)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	nodes := c.look(r.Context())
	c.mu.Lock()
	away := max(time.Until(c.away), 0)
	c.mu.Unlock()
	buttons.Answer(w, state{
		Stats: stats, Started: c.started.UnixMilli(), At: time.Since(c.started).Milliseconds(), Away: away.Milliseconds(),
		Nodes: nodes, Visitors: visitorsState{c.visitors.got.State(), c.visitors.here.Load()},
	})
}
