//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const outage = 10 * time.Second

// control answers the buttons of the page, and tells it what to check itself against. Caddy passes
// /control/ on to it.
type control struct {
	ctx            context.Context // until the demo ends
	front, back    *wire           // before Caddy, and before the backend
	clients, polls sides           // as each of them counts
	stats          string          // the backend's URL of its counts, past the wire
	config         *config
	crowd          *crowd
	started        time.Time
	failed         chan error // what ends the demo

	server  *http.Server
	running sync.WaitGroup

	mu      sync.Mutex
	away    time.Time // until when the backend is stopped
	reloads int
}

// backendStats is what the backend says of itself.
type backendStats struct {
	Said int64 `json:"said"` // how many messages there were
	Open int64 `json:"open"` // how many polls wait
}

// sideState is what the page is told of one of its sides.
type sideState struct {
	Requests int64      `json:"requests"` // of clients
	Bytes    int64      `json:"bytes"`    // between clients and Caddy
	Polls    int64      `json:"polls"`    // at the backend
	Open     int        `json:"open"`     // connections of clients
	Crowd    crowdState `json:"crowd"`
}

// state is what the page asks for every second. Counts are since the start.
type state struct {
	backendStats
	Started int64     `json:"started"` // when, in milliseconds since 1970
	At      int64     `json:"at"`      // milliseconds since then
	Away    int64     `json:"away"`    // milliseconds until the backend is back, or 0
	Stay    int64     `json:"stay"`    // milliseconds until the added clients go, or 0
	Reloads int       `json:"reloads"`
	Ajax    sideState `json:"ajax"`
	Stream  sideState `json:"stream"`
}

// handler takes POST requests of this page, and no others: a page of another site cannot press the
// buttons (http.CrossOriginProtection), nor can one whose name has been pointed at this machine
// (the host in the patterns).
func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET localhost/control/state", c.state)
	for name, press := range map[string]func() error{
		"stop": c.stop, "cut": c.cut, "reload": c.reload, "clients": c.add,
	} {
		mux.HandleFunc("POST localhost/control/"+name, func(w http.ResponseWriter, _ *http.Request) {
			if err := press(); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// serve answers on a listener until close.
func (c *control) serve(listener net.Listener) {
	c.server = &http.Server{Handler: c.handler(), ReadHeaderTimeout: 10 * time.Second}
	c.running.Go(func() {
		if err := c.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			c.fail(fmt.Errorf("serving /control/: %w", err))
		}
	})
}

// close ends what the buttons have started; c.ctx has ended before.
func (c *control) close() {
	c.server.Close()
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
	c.back.down()
	c.running.Go(func() {
		select {
		case <-c.ctx.Done():
		case <-time.After(outage):
			if err := c.back.up(); err != nil {
				c.fail(fmt.Errorf("starting the backend again: %w", err))
			}
		}
	})
	return nil
}

// cut breaks the connections of all streams between the clients and Caddy.
func (c *control) cut() error {
	c.front.cut(&c.clients.stream)
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
	stats, err := fetchStats(r.Context(), c.stats)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	stay, pollers, stream := c.crowd.left()
	c.mu.Lock()
	defer c.mu.Unlock()
	answer(w, state{
		backendStats: stats,
		Started:      c.started.UnixMilli(),
		At:           time.Since(c.started).Milliseconds(),
		Away:         max(time.Until(c.away), 0).Milliseconds(),
		Stay:         stay.Milliseconds(),
		Reloads:      c.reloads,
		Ajax:         c.side(&c.clients.ajax, &c.polls.ajax, pollers),
		Stream:       c.side(&c.clients.stream, &c.polls.stream, stream),
	})
}

func (c *control) side(clients, polls *traffic, crowd crowdState) sideState {
	return sideState{
		Requests: clients.requests.Load(), Bytes: clients.bytes.Load(), Polls: polls.requests.Load(),
		Open: c.front.open(clients), Crowd: crowd,
	}
}

// fetchStats asks the backend for its counts.
func fetchStats(ctx context.Context, url string) (stats backendStats, err error) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return stats, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return stats, fmt.Errorf("asking the backend for its counts: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		return stats, fmt.Errorf("reading the backend's counts: %w", err)
	}
	return stats, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Printf("answering: %v", err)
	}
}
