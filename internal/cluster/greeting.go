package cluster

import (
	"bytes"
	"hash/fnv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// heardOf reports whether another node has the feed. s.mu is held.
func (s *Share) heardOf() bool { return len(s.others()) > 0 }

// others returns the other nodes that have the feed. One that seems to be gone still has it if it is heard again: it was
// slow for a moment, and does not know. s.mu is held.
func (s *Share) others() (there []nodeID) {
	now := time.Now()
	for id, l := range s.nodes {
		switch {
		case now.Sub(l.came) > listening || s.station.departed(id):
			delete(s.nodes, id)
		case s.station.alive(id):
			there = append(there, id)
		}
	}
	return there
}

// joined is told that the bus knows of the subscription.
func (s *Share) joined(subscription cluster.Subscription) (taken bool) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.subscription, s.seq = subscription, s.seq+1
	s.hello()
	s.arm(s.every)
	s.mu.Unlock()
	s.sharer.Stir()
	return true
}

// arm has the share look again after a while. s.mu is held.
func (s *Share) arm(after time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(after, s.look)
		return
	}
	s.timer.Reset(after)
}

// look says again what may have been lost.
func (s *Share) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	now := time.Now()
	if !now.Before(s.greeted.Add(s.every)) {
		s.hello()
	}
	next := s.greeted.Add(s.every).Sub(now)
	if s.chain != "" && s.heardOf() && (s.flying || s.due.After(now)) {
		s.sayPolling()
		next = min(next, repeat)
	}
	s.tape.trim(now)
	s.forgetStarts(now)
	s.arm(next)
}

// hello says that this node has the feed, and returns the number of that. s.mu is held.
func (s *Share) hello() uint64 {
	s.asked++
	s.greeted = time.Now()
	switch {
	case s.heardOf():
		s.every = greet
	case s.every == 0:
		s.every = greet / 10
	default:
		s.every = min(2*s.every, maxGreet)
	}
	s.say(message{kind: kindHello, asks: s.asked})
	return s.asked
}

// rank returns how many other nodes that have the feed stand before this one in the line of those that would take over.
// The line is another one for each feed.
func (s *Share) rank() (n int) {
	others := s.others()
	if s.shy {
		return len(others)
	}
	own := s.order(s.self)
	for _, id := range others {
		if order := s.order(id); order < own || order == own && bytes.Compare(id[:], s.self[:]) < 0 {
			n++
		}
	}
	return n
}

func (s *Share) order(id nodeID) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s.secret.topic))
	h.Write(id[:])
	return h.Sum64()
}
