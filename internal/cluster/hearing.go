package cluster

import (
	"fmt"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// hear takes a sealed message of another node.
func (s *Share) hear(sealed []byte) {
	text, err := s.secret.open(sealed, s.packer)
	if err == nil {
		var m message
		if m, err = scan(text); err == nil {
			s.take(m, len(text))
			return
		}
		err = fmt.Errorf("reading a message: %w", err)
	}
	s.station.drop(err)
}

// take processes a message.
func (s *Share) take(m message, size int) {
	s.mu.Lock()
	if s.subscription == nil || s.closed || m.node == s.self {
		s.mu.Unlock()
		return
	}
	now := time.Now()
	stir, hurry := false, false
	s.station.heard(m.node, now)
	s.listen(m, now)
	switch m.kind {
	case kindHello:
		if s.chain != "" && (s.flying || now.Before(s.due.Add(late))) { // else nobody reads here, and another node had better poll
			s.sayPolling()
		}
	case kindPolling:
		stir = s.hearPolling(m, now)
	case kindAnswer:
		stir = s.hearAnswer(m, now, size)
	case kindStart:
		s.hearStart(m, now, size)
		stir = true
	case kindYield:
		if stir = m.node == s.poller; stir {
			s.vacate(now, false)
		}
	case kindHurry:
		hurry = s.chain != ""
	}
	s.mu.Unlock()
	if hurry {
		s.sharer.Hurry()
	}
	if stir {
		s.sharer.Stir()
	}
}

// listen notes that a node has the feed.
func (s *Share) listen(m message, now time.Time) {
	l := s.nodes[m.node]
	if l == nil {
		if s.nodes == nil {
			s.nodes = make(map[nodeID]*listener)
		}
		l = &listener{came: now}
		s.nodes[m.node] = l
		s.station.paired()
		if m.kind == kindHello && s.chain == "" { // it may not know of this node
			s.hello()
		}
	}
	l.came = now
	if m.kind == kindHello {
		l.asks, l.asked = m.asks, now
	}
}

// hearPolling takes note of who polls, and from where. It reports whether that is news.
func (s *Share) hearPolling(m message, now time.Time) (news bool) {
	before, head, missed := s.poller, s.head, s.missed
	if !s.adopt(m, now) {
		return false
	}
	if s.head = m.from; s.head != head {
		s.moved = now
	}
	return s.poller != before || head != m.from || s.missed != missed
}

// hearAnswer takes what a poll came to. It reports whether that is news.
func (s *Share) hearAnswer(m message, now time.Time, size int) (news bool) {
	adopted := s.adopt(m, now)
	if !adopted && (m.lapse != s.lapse || m.page == nil || s.Document) {
		return false
	}
	if m.failed != nil {
		m.failed.Err = fmt.Errorf("node %s of the cluster has polled", s.station.nameOf(m.node))
	}
	e := s.enter(m, now, size)
	if adopted {
		s.head, s.large = m.to, m.large
		if m.page == nil || len(m.page.Events) > 0 || !m.page.Empty {
			s.moved = now
		}
		if m.end {
			s.ended = e
		}
		s.out = m.failed != nil && (s.out || !m.failed.Later)
	}
	switch {
	case e.reset != "": // who does not stand there has to find out for itself
		s.missed = e.seq
		s.tape.clear()
		if s.anew = now; s.Document {
			s.latest = e
		} else {
			s.tape.add(e)
		}
	case e.page != nil && !s.Document && e.to != e.from:
		s.tape.add(e)
	case adopted:
		s.latest = e
		if s.Document && e.page != nil && len(e.page.Events) > 0 {
			s.brought = e.seq
		}
	}
	return true
}

// hearStart keeps what a newcomer got.
func (s *Share) hearStart(m message, now time.Time, size int) {
	if m.page == nil || s.Document || m.lapse != s.lapse && s.lapse != 0 {
		return
	}
	kept := s.forgetStarts(now)
	if old := s.starts[m.from]; old != nil {
		kept -= old.size
	} else if len(s.starts) >= maxPages {
		return
	}
	if kept+size > maxTape {
		return
	}
	if s.starts == nil {
		s.starts = make(map[string]*entry)
	}
	s.starts[m.from] = s.enter(m, now, size)
}

// forgetStarts drops what serves no newcomer any more, and returns how many bytes are left.
func (s *Share) forgetStarts(now time.Time) (kept int) {
	for name, e := range s.starts {
		if now.Sub(e.came) >= s.Interval {
			delete(s.starts, name)
			continue
		}
		kept += e.size
	}
	if len(s.starts) == 0 {
		s.starts = nil
	}
	return kept
}

// enter makes an entry of a message.
func (s *Share) enter(m message, now time.Time, size int) *entry {
	s.seq++
	e := &entry{seq: s.seq, node: m.node, term: m.term, told: m.told, came: now, from: m.from, to: m.to, size: size, heard: m.heard, what: m.what}
	if !s.Document {
		e.names = namesOf(m.page, m.from)
		if s.Tokens && m.page != nil {
			for _, event := range m.page.Events {
				e.marks = append(e.marks, feed.MarkOf(event))
			}
		}
	}
	return e
}

// adopt takes note of a node that polls, unless a claim counts more that this node knows of. It reports whether it has.
func (s *Share) adopt(m message, now time.Time) bool {
	same := m.node == s.poller && m.term == s.term
	switch {
	case same && m.told <= s.count: // it has come before, or late
		return false
	case same:
		if m.told != s.count+1 { // something was lost
			s.breaks(true)
		}
	case s.newer(m.claim, m.node):
		s.breaks(s.latest != nil && m.kind != kindPolling)
		if number := s.hello(); s.chain != "" { // a document that is asked for from now on is newer than what the chain has
			s.chain, s.flying, s.need = "", false, number
		} else if s.Document && s.latest != nil && m.kind != kindPolling { // it may have been asked before what the last poller has told
			s.need = number
		}
	default:
		if s.chain != "" { // it does not know
			s.sayPolling()
		}
		return false
	}
	if s.poller, s.count, s.gone = m.node, m.told, false; m.lapse != s.lapse {
		if s.known && m.failed == nil && m.reset == "" { // who polls has told how it ended, and this node has not heard
			s.seq++ // so that who looks for itself from now on has seen that
			s.missed = s.seq
			s.tape.clear()
		}
		s.out = m.failed != nil
	}
	s.claim, s.known = m.claim, true
	s.overdue = now.Add(m.wait + late)
	return true
}

// breaks notes that messages of the poller may have been lost; for certain says that it is more than that another node
// has begun to poll.
func (s *Share) breaks(certain bool) {
	s.seq++
	s.broken = s.seq
	if certain {
		s.gap = s.seq
	}
}

// lost notes that messages may have been lost.
func (s *Share) lost() {
	s.mu.Lock()
	if s.subscription == nil || s.closed {
		s.mu.Unlock()
		return
	}
	now := time.Now()
	s.breaks(true)
	if s.hello(); s.chain != "" {
		s.sayPolling()
	} else if grace := now.Add(late); s.overdue.Before(grace) {
		s.overdue = grace
	}
	s.mu.Unlock()
	s.sharer.Stir()
}

// lostNode is told that a node has gone. If nobody polls, the others move up in the line of those that would take over: a node that
// leaves says so after it has yielded.
func (s *Share) lostNode(id nodeID) {
	s.mu.Lock()
	concerns := !s.closed && (s.poller == id || s.poller == nodeID{})
	s.mu.Unlock()
	if concerns {
		s.sharer.Stir()
	}
}
