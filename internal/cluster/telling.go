package cluster

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Polling implements [feed.Peers].
func (s *Share) Polling(st feed.Stand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leads(st.Chain) {
		return
	}
	s.flying = true
	s.before = s.hellos.list()
	if at := s.placeOf(st.At, st.Key); s.head != at {
		s.head = at
		s.sayPolling()
	}
	if s.heardOf() {
		s.arm(slow)
	}
}

// Tell implements [feed.Peers].
func (s *Share) Tell(from feed.Stand, told feed.Told) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscription == nil || s.closed {
		return
	}
	at, to := s.placeOf(from.At, from.Key), s.placeOf(told.To, from.Key)
	page := told.Failed == nil && told.Reset == ""
	if page && !s.Document && from.At.IsZero() && from.First && told.Took < time.Second && to != at && s.heardOf() {
		s.tell(message{kind: kindStart, from: at, to: to}, told)
	}
	switch {
	case s.leads(from.Chain):
		s.toldBy(from, at, to, told)
	case s.Document && page:
		s.toldAside(told.Page)
	}
}

// toldBy tells what the poll of the chain that leads came to.
func (s *Share) toldBy(from feed.Stand, at, to string, told feed.Told) {
	now := time.Now()
	s.flying, s.due, s.word = false, now.Add(told.Wait), from.Word
	switch {
	case told.Reset != "":
		s.lapse, s.out = newLapse(), false
	case told.Failed != nil && !told.Failed.Later && !s.out:
		s.lapse, s.out = newLapse(), true
	case told.Failed == nil:
		s.out = false
	}
	s.head = to
	if s.heardOf() {
		s.tell(message{kind: kindAnswer, from: at, to: to, wait: min(told.Wait, repeat), heard: s.askedBefore(now, told)}, told)
		s.arm(repeat)
		if s.shy = told.Failed != nil && told.Failed.Status == 0; s.shy { // another node may reach the upstream
			s.yield()
		}
	} else {
		s.said++ // a node that is there, and was not heard for a moment, must find that it has missed something
	}
}

// askedBefore returns which hellos were heard before an answer says how the upstream was. An answer that it has held is of
// the moment when it came.
func (s *Share) askedBefore(now time.Time, told feed.Told) []hearing {
	if s.LongPoll && told.Took >= held && len(told.Page.Events) > 0 {
		return s.listBefore(now.Add(-held), s.before)
	}
	return s.before
}

// tell sends a message with what a poll came to. If that is too large for the bus, it says so.
func (s *Share) tell(m message, told feed.Told) {
	m.at, m.took, m.end = told.To, told.Took, told.End
	switch {
	case told.Reset != "":
		m.reset = told.Reset
	case told.Failed != nil:
		m.failed = told.Failed
	default:
		m.page = &told.Page
	}
	if s.say(m) {
		return
	}
	if m.page = nil; m.kind == kindAnswer {
		m.large = true
		s.say(m)
	}
}

// say sends a message on the topic of the feed, and reports whether it fits. s.mu is held.
func (s *Share) say(m message) (fits bool) {
	m.node, m.claim = s.self, s.claim
	if m.kind == kindPolling || m.kind == kindAnswer {
		s.said++
		m.told = s.said
	}
	text, err := m.encode()
	if err != nil {
		return true // it is only for this node
	}
	sealed := s.secret.seal(text, s.packer)
	if len(sealed) > s.station.largest() {
		return false
	}
	s.station.publish(s.secret.topic, sealed)
	return true
}
