// Package testbus is a message bus in memory for tests, as bad as they want it. It works in simulated time.
package testbus

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// Faults is how bad a bus is.
type Faults struct {
	Seed  uint64        // of what is random
	Loses int           // of a hundred messages
	Twice int           // of a hundred messages
	Late  time.Duration // up to which messages come late, in any order
}

// Bus is between some nodes.
type Bus struct {
	Nodes []*Node

	mu      sync.Mutex
	faults  Faults
	away    bool
	largest int
	count   int
	heard   func(topic string, message []byte)
}

// New returns a bus with so many nodes.
func New(nodes int, faults Faults) *Bus {
	b := &Bus{faults: faults, largest: 1 << 20}
	for range nodes {
		b.Nodes = append(b.Nodes, &Node{bus: b, subscriptions: make(map[*subscription]struct{}), up: true, changed: make(chan struct{})})
	}
	return b
}

// Away takes the whole bus away, or brings it back. The nodes know that.
func (b *Bus) Away(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
	b.turn()
}

// Heal takes all faults back.
func (b *Bus) Heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away, b.faults = false, Faults{}
	for _, n := range b.Nodes {
		n.cut, n.deaf, n.mute = false, false, false
	}
	b.turn()
}

// Worsen gives the bus other faults.
func (b *Bus) Worsen(faults Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = faults
}

// Bound sets the size of the largest message.
func (b *Bus) Bound(largest int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.largest = largest
}

// Record has a function called with each message that is published.
func (b *Bus) Record(heard func(topic string, message []byte)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = heard
}

// turn has the nodes know what they can know. b.mu is held.
func (b *Bus) turn() {
	for _, n := range b.Nodes {
		if up := !b.away && !n.cut; up != n.up {
			n.up = up
			n.stir()
		}
	}
}

// random returns a number below n, the same one for the same words.
func (b *Bus) random(n int, words ...any) int {
	h := fnv.New64a()
	fmt.Fprint(h, b.faults.Seed, words)
	return int(h.Sum64() % uint64(n))
}

// Node is the connection of one node. It implements [cluster.Connection].
type Node struct {
	bus *Bus

	// guarded by the lock of the bus
	subscriptions map[*subscription]struct{}
	cut           bool // nothing comes or goes, and the node knows that
	deaf          bool // nothing comes or goes, and nobody knows
	mute          bool // nothing goes, and nobody knows
	up            bool
	changed       chan struct{}
}

type subscription struct {
	node  *Node
	topic string
	heard func([]byte)
	queue [][]byte // that have come
	busy  bool     // they are being heard
}

// Cut cuts the node off, or ends that. It knows that.
func (n *Node) Cut(cut bool) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.cut = cut
	n.bus.turn()
}

// Deafen cuts the node off, or ends that. It does not know that, as if it were dead or frozen for the others.
func (n *Node) Deafen(deaf bool) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.deaf = deaf
}

// Mute has the others not hear the node, which hears them, or ends that.
func (n *Node) Mute(mute bool) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.mute = mute
}

// Turn turns one of several faults on or off, by its number.
func (n *Node) Turn(fault int) {
	b := n.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	switch fault {
	case 1:
		b.away = !b.away
	case 2, 3:
		n.cut = !n.cut
	case 4, 5:
		n.deaf = !n.deaf
	case 6: // it has lost something, and knows that
		n.stir()
	default:
		b.away, n.cut, n.deaf = false, false, false
	}
	b.turn()
}

// stir tells the node that something has changed.
func (n *Node) stir() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// ErrAway is the error while the bus is away.
var ErrAway = errors.New("the bus is away")

// Publish implements cluster.Bus.
func (n *Node) Publish(topic string, message []byte) error {
	b := n.bus
	b.mu.Lock()
	if !n.up {
		b.mu.Unlock()
		return ErrAway
	}
	if b.heard != nil {
		b.heard(topic, slices.Clone(message))
	}
	message = slices.Clone(message)
	var now []*subscription
	for i, to := range b.Nodes {
		for s := range to.subscriptions {
			switch {
			case to == n || s.topic != topic:
			case topic == "nodes" && b.faults == Faults{} && !n.deaf && !n.mute && !to.deaf && to.up:
				now = append(now, s) // most messages are signs of life, and no lock is held by who sends them
			default:
				b.carry(n, s, i, message)
			}
		}
	}
	b.mu.Unlock()
	for _, s := range now {
		s.heard(message)
	}
	return nil
}

// carry brings a message to a subscription, or does not. b.mu is held.
func (b *Bus) carry(from *Node, to *subscription, receiver int, message []byte) {
	b.count++
	if from.deaf || from.mute || b.random(100, "loses", b.count, receiver) < b.faults.Loses {
		return
	}
	times := 1
	if b.random(100, "twice", b.count, receiver) < b.faults.Twice {
		times = 2
	}
	for i := range times {
		wait := time.Duration(0)
		if late := int(b.faults.Late); late > 0 && b.random(2, "late", b.count, i, receiver) == 0 {
			wait = time.Duration(b.random(late, "how late", b.count, i, receiver))
		}
		if wait == 0 {
			to.come(message)
			continue
		}
		time.AfterFunc(wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			to.come(message)
		})
	}
}

// come has a message heard after all that have come before. The lock of the bus is held.
func (s *subscription) come(message []byte) {
	if s.queue = append(s.queue, message); !s.busy {
		s.busy = true
		go s.hear()
	}
}

// hear hears the messages that have come.
func (s *subscription) hear() {
	b := s.node.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(s.queue) > 0 {
		message := s.queue[0]
		s.queue = s.queue[1:]
		if _, there := s.node.subscriptions[s]; !there || !s.node.up || s.node.deaf {
			continue
		}
		b.mu.Unlock()
		s.heard(message)
		b.mu.Lock()
	}
	s.queue, s.busy = nil, false
}

// Subscribe implements cluster.Bus.
func (n *Node) Subscribe(topic string, heard func([]byte)) (cluster.Subscription, error) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if !n.up {
		return nil, ErrAway
	}
	s := &subscription{node: n, topic: topic, heard: heard}
	n.subscriptions[s] = struct{}{}
	return s, nil
}

// Unsubscribe implements cluster.Subscription.
func (s *subscription) Unsubscribe() error {
	s.node.bus.mu.Lock()
	defer s.node.bus.mu.Unlock()
	delete(s.node.subscriptions, s)
	return nil
}

// State implements cluster.Bus.
func (n *Node) State() (bool, <-chan struct{}) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	return n.up, n.changed
}

// Largest implements cluster.Bus.
func (n *Node) Largest() int {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	return n.bus.largest
}

// Close implements io.Closer.
func (n *Node) Close() error { return nil }

// Interface guards
var (
	_ cluster.Connection   = (*Node)(nil)
	_ cluster.Subscription = (*subscription)(nil)
)
