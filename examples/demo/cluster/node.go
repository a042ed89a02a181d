//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/program"
	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/wire"
)

const (
	deadFor    = 5 * time.Second // how long a node that was killed is away
	lookWithin = time.Second
)

// nodeNames are the names of the nodes, in the order of the page.
var nodeNames = [...]string{"one", "two", "three"}

// node is one of the Caddys behind the balancer.
type node struct {
	name  string
	port  string
	admin string // URL of its admin endpoint
	start func() (*program.Child, error)
	polls wire.Traffic // its polls, as they come to the backend

	mu    sync.Mutex
	child *program.Child
	back  time.Time // when it starts again, after it was killed; zero: it was not
}

// standing is what a node does, in a word.
type standing string

const (
	polls    standing = "polls"    // for all
	follows  standing = "follows"  // gets the answers of the one that polls
	alone    standing = "alone"    // polls for itself
	idle     standing = "idle"     // has no client of the chat
	starting standing = "starting" // does not answer yet
	dead     standing = "dead"
)

// nodeState is a node as the page gets it.
type nodeState struct {
	Name     string   `json:"name"`
	Port     string   `json:"port"`
	PID      int      `json:"pid"`
	Standing standing `json:"standing"`
	Why      string   `json:"why"`     // it is alone
	Clients  int      `json:"clients"` // streams of the chat
	Polls    int64    `json:"polls"`   // that came to the backend, since the start
	Back     int64    `json:"back"`    // milliseconds until it starts again, or 0
}

// launch starts the node.
func (n *node) launch() error {
	child, err := n.start()
	if err != nil {
		return fmt.Errorf("node %s: %w", n.name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.child, n.back = child, time.Time{}
	return nil
}

// ready waits until the node's admin endpoint answers.
func (n *node) ready(ctx context.Context) error {
	child, _ := n.now()
	if err := program.Ready(ctx, n.admin+"/sse_bridge/feeds", child); err != nil {
		return fmt.Errorf("node %s: %w", n.name, err)
	}
	child.Speak()
	return nil
}

// now returns the node's process, and when it starts again if it was killed.
func (n *node) now() (*program.Child, time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.child, n.back
}

// keep starts the node again whenever it has been killed, until ctx ends. It is an error if it ends by itself.
func (n *node) keep(ctx context.Context) error {
	for {
		child, _ := n.now()
		select {
		case <-ctx.Done():
			return nil
		case <-child.Done():
		}
		_, back := n.now()
		if back.IsZero() {
			return fmt.Errorf("node %s: %w", n.name, child.Died())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(back)):
		}
		if err := n.launch(); err != nil {
			return err
		}
		if err := n.ready(ctx); err != nil {
			if _, back := n.now(); !back.IsZero() {
				continue // it was killed once more while it started
			}
			return err
		}
	}
}

// kill ends the node as a crash does: it says goodbye to nobody.
func (n *node) kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.back.IsZero() {
		return fmt.Errorf("node %s is dead already", n.name)
	}
	n.back = time.Now().Add(deadFor)
	return n.child.Kill()
}

// stop ends the node in order.
func (n *node) stop() {
	if child, _ := n.now(); child != nil {
		child.Stop()
	}
}

// state asks the node what it does.
func (n *node) state(ctx context.Context) nodeState {
	child, back := n.now()
	s := nodeState{Name: n.name, Port: n.port, PID: child.PID(), Polls: n.polls.Requests.Load()}
	if !back.IsZero() {
		s.Standing, s.Back = dead, max(time.Until(back), 0).Milliseconds()
		return s
	}
	feed, err := n.feed(ctx)
	switch {
	case err != nil:
		s.Standing = starting
	case feed.Polled == "here":
		s.Standing = polls
	case feed.Polled == "elsewhere":
		s.Standing = follows
	case feed.Polled == "alone":
		s.Standing, s.Why = alone, feed.AloneBecause
	default:
		s.Standing = idle
	}
	s.Clients = feed.Clients
	return s
}

// reportedFeed is what a node's admin endpoint says of a feed, as far as it is wanted here.
type reportedFeed struct {
	Path         string `json:"path"`
	Clients      int    `json:"clients"`
	Polled       string `json:"polled"`
	AloneBecause string `json:"alone_because"`
}

// feed is the feed of the chat with the most clients, or none if no client is there.
func (n *node) feed(ctx context.Context) (none reportedFeed, err error) {
	ctx, stop := context.WithTimeout(ctx, lookWithin)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.admin+"/sse_bridge/feeds", http.NoBody)
	if err != nil {
		return none, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return none, fmt.Errorf("asking node %s: %w", n.name, err)
	}
	defer response.Body.Close()
	var answer struct{ Feeds []reportedFeed }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return none, errors.Join(fmt.Errorf("reading what node %s says", n.name), err)
	}
	for _, feed := range answer.Feeds {
		if feed.Path == "/messages" {
			return feed, nil
		}
	}
	return none, nil
}
