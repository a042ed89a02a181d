package cluster

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// nextDocument decides what the chain of a document does.
func (s *Share) nextDocument(now time.Time, st feed.Stand) feed.Step {
	switch e := s.latest; {
	case e == nil || e.seq <= st.Seen:
		if s.LongPoll && st.Seen < s.gap && s.claimed(now) && s.poller != s.self { // the next answer may be far
			return feed.Step{Seen: st.Seen}
		}
	case e.failed != nil || e.reset != "" || e.hears(s.self) >= s.need:
		if e.large {
			return feed.Step{}
		}
		return feed.Step{Do: feed.Take, Answer: e.answer(), Seen: e.seq}
	case e.page == nil || len(e.page.Events) == 0 || e.node != s.poller || e.seq <= s.passed:
	case documentOf(*e.page) == s.own: // as this node has it from its own poll, so that what follows is newer
		s.need = 0
		return feed.Step{Do: feed.Await, Until: s.overdue, Seen: e.seq}
	case s.claimed(now) && s.poller != s.self: // it may be news, which would not come again
		return feed.Step{Seen: st.Seen}
	}
	if !s.claimed(now) {
		return s.takeOver(now, st, "")
	}
	until := s.overdue
	if !st.Waits.IsZero() {
		patience := time.Second
		if !s.LongPoll {
			patience += s.Interval
		}
		if last := st.Waits.Add(patience); last.Before(until) {
			until = last
		}
		if !now.Before(until) {
			return feed.Step{}
		}
		if !s.LongPoll && !s.hurried.Equal(st.Waits) && s.overdue.Sub(now) > s.Interval+late {
			s.hurried = st.Waits
			s.say(message{kind: kindHurry})
		}
	}
	return feed.Step{Do: feed.Await, Until: until, Seen: st.Seen}
}

// toldAside takes note of a document that a chain which does not lead has polled. Nothing that was asked for before counts
// any more, unless the node that polls has just brought the same.
func (s *Share) toldAside(p page.Page) {
	if len(p.Events) > 0 {
		if s.own = documentOf(p); s.LongPoll { // it is of the moment when it came
			s.passed = s.seq
		}
	}
	if e := s.latest; e != nil && e.node == s.poller && e.page != nil && len(p.Events) > 0 && len(e.page.Events) > 0 && documentOf(*e.page) == s.own {
		s.need = 0
		return
	}
	s.need = s.hello()
}

// documentOf names the document that a page leads to, which has one.
func documentOf(p page.Page) string {
	if p.Set != nil {
		p.Set.Follow(nil)
		return p.Set.Key()
	}
	return p.Events[len(p.Events)-1].Key
}
