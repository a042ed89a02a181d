package cluster

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// claimed reports whether a node polls that is still there. s.mu is held.
func (s *Share) claimed(now time.Time) bool {
	switch {
	case s.poller == (nodeID{}):
		return false
	case s.poller == s.self:
		return s.chain != ""
	case now.Before(s.overdue) && s.station.alive(s.poller):
		return true
	}
	s.vacate(now, !s.station.departed(s.poller))
	return false
}

// vacate notes that nobody polls.
func (s *Share) vacate(now time.Time, gone bool) {
	s.poller, s.vacant, s.gone = nodeID{}, now, gone
}

// takeOver has a chain poll for all once it is this node's turn.
func (s *Share) takeOver(now time.Time, st feed.Stand, at string) feed.Step {
	if turn := s.vacant.Add(time.Duration(s.rank()) * stagger); now.Before(turn) {
		return feed.Step{Do: feed.Await, Until: turn, Seen: st.Seen}
	}
	return s.claimFor(st, at)
}

// claimFor has a chain poll for all.
func (s *Share) claimFor(st feed.Stand, at string) feed.Step {
	if s.gone && s.station.connected() {
		s.station.tookOver()
	}
	s.term++
	s.poller, s.chain, s.gone, s.word, s.known = s.self, st.Chain, false, st.Word, true
	s.head, s.due, s.flying = at, st.Due, false
	if s.heardOf() || !s.vacant.IsZero() {
		s.sayPolling()
	}
	return feed.Step{Do: feed.Lead}
}

// yield has no chain of this node poll for all. s.mu is held.
func (s *Share) yield() {
	if s.poller == s.self {
		if s.heardOf() {
			s.say(message{kind: kindYield})
		}
		s.vacate(time.Now(), false)
	}
	s.chain, s.flying = "", false
}

// sayPolling says that this node polls, and until when it says so again.
func (s *Share) sayPolling() {
	wait := repeat
	if !s.flying {
		wait = min(max(time.Until(s.due), 0), repeat)
	}
	s.say(message{kind: kindPolling, from: s.head, wait: wait})
}
