//go:build unix

package main

import (
	"context"
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

// control answers the buttons of the page, and tells it what to check itself against. Caddy passes
// /control/ on to it.
type control struct {
	ctx            context.Context // until the demo ends
	front, back    *wire.Wire      // before Caddy, and before the backend
	clients, polls sides           // as each of them counts
	stats          string          // the backend's URL of its counts, past the wire
	config         *config
	crowd          *crowd
	started        time.Time
	failed         chan error // what ends the demo

	running sync.WaitGroup

	mu      sync.Mutex
	away    time.Time // until when the backend is stopped
	reloads int
}

// sideState is what the page is told of one of its sides.
type sideState struct {
	Requests int64       `json:"requests"` // of clients
	Bytes    int64       `json:"bytes"`    // between clients and Caddy
	Polls    int64       `json:"polls"`    // at the backend
	Open     int         `json:"open"`     // connections of clients
	Crowd    tally.State `json:"crowd"`
}

// state is what the page asks for every second. Counts are since the start.
type state struct {
	chat.Stats
	Started int64     `json:"started"` // when, in milliseconds since 1970
	At      int64     `json:"at"`      // milliseconds since then
	Away    int64     `json:"away"`    // milliseconds until the backend is back, or 0
	Stay    int64     `json:"stay"`    // milliseconds until the added clients go, or 0
	Reloads int       `json:"reloads"`
	Ajax    sideState `json:"ajax"`
	Stream  sideState `json:"stream"`
}

func (c *control) handler() http.Handler {
	return buttons.Handler(c.state, map[string]func() error{
		"stop": c.stop, "cut": c.cut, "reload": c.reload, "clients": c.add,
	})
}

// wait returns when what the buttons have started has ended; c.ctx has ended before.
func (c *control) wait() {
	c.running.Wait()
	c.crowd.running.Wait()
}

// fail ends the demo.
func (c *control) fail(err error) {
	select {
	case c.failed <- err:
	default: // it ends already
	}
}

// stop closes the backend's port for a while, and cuts the polls that wait there. What is said
// meanwhile stays in its memory.
func (c *control) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.away) {
		return fmt.Errorf("the backend is stopped already")
	}
	c.away = time.Now().Add(outage)
	c.back.Down()
	c.running.Go(func() {
		select {
		case <-c.ctx.Done():
		case <-time.After(outage):
			if err := c.back.Up(); err != nil {
				c.fail(fmt.Errorf("starting the backend again: %w", err))
			}
		}
	})
	return nil
}

// cut breaks the connections of all streams between the clients and Caddy.
func (c *control) cut() error {
	c.front.Cut(&c.clients.stream)
	return nil
}

// reload has Caddy load its configuration with a change to another route.
func (c *control) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.config.load(c.ctx, c.reloads+1); err != nil {
		return err
	}
	c.reloads++
	return nil
}

// add brings the crowd.
func (c *control) add() error { return c.crowd.come(c.ctx) }

func (c *control) state(w http.ResponseWriter, r *http.Request) {
	stats, err := chat.FetchStats(r.Context(), c.stats)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	stay, pollers, stream := c.crowd.left()
	c.mu.Lock()
	defer c.mu.Unlock()
	buttons.Answer(w, state{
		Stats:   stats,
		Started: c.started.UnixMilli(),
		At:      time.Since(c.started).Milliseconds(),
		Away:    max(time.Until(c.away), 0).Milliseconds(),
		Stay:    stay.Milliseconds(),
		Reloads: c.reloads,
		Ajax:    c.side(&c.clients.ajax, &c.polls.ajax, pollers),
		Stream:  c.side(&c.clients.stream, &c.polls.stream, stream),
	})
}

func (c *control) side(clients, polls *wire.Traffic, crowd tally.State) sideState {
	return sideState{
		Requests: clients.Requests.Load(), Bytes: clients.Bytes.Load(), Polls: polls.Requests.Load(),
		Open: c.front.Open(clients), Crowd: crowd,
	}
}
