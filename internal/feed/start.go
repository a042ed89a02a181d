package feed

import (
	"maps"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// startKept is for how long an answer to newcomers serves later ones when there are as many chains as there
// may be.
const startKept = time.Minute

// Start is a client's own first request.
type Start struct {
	Key  string // equal for equal requests
	Poll Poll
	// Asks reports whether a poll can be made from a position, which is what a client says it is.
	// nil: from any.
	Asks func(position.Position) bool
}

// start is the first poll of newcomers, which those with the same request share.
type start struct {
	chain    *chain
	root     place // before the answer
	answered time.Time
	prompt   bool // it was answered sooner than a long poll
}

// shared reports whether a newcomer at the given time gets the same from s as from a poll of its
// own: while s waits for its answer, and for an interval after a prompt one.
func (s *start) shared(now time.Time, interval time.Duration) bool {
	return (s.prompt || s.answered.IsZero() || s.chain.feed.config.Stream) && s.serves(now, interval)
}

// serves reports whether a newcomer can still get the answer of s, and all that came since, so long
// after it at most.
func (s *start) serves(now time.Time, within time.Duration) bool {
	return s.heir().ctx.Err() == nil && s.root.readable() && (s.answered.IsZero() || now.Sub(s.answered) < within)
}

// heir returns the chain that the readers of the start have gone over to.
func (s *start) heir() *chain {
	c := s.chain
	for c.meeting.into != nil {
		c = c.meeting.into
	}
	return c
}

// starts are the starts of a feed, by the keys of their requests. The feed's lock guards them.
type starts map[string]*start

// find returns the start that a newcomer with that request shares. Where there may be no more chains, that is an
// older one too: rather than nothing for now, it gets what came a little earlier, and all since.
func (l starts) find(key string, now time.Time, interval time.Duration, full bool) *start {
	s := l[key]
	if s != nil && (s.shared(now, interval) || full && s.serves(now, startKept)) {
		return s
	}
	return nil
}

// offer has newcomers with that request share the next poll of a chain.
func (l starts) offer(key string, c *chain) *start {
	s := &start{chain: c, root: c.log.end()}
	l[key] = s
	return s
}

// forget drops the starts that no longer serve anybody: all that came after one could be
// reached from it.
func (l starts) forget(now time.Time, interval time.Duration, full bool) {
	if full {
		interval = max(interval, startKept)
	}
	maps.DeleteFunc(l, func(_ string, s *start) bool { return !s.serves(now, interval) })
}

// forgetOf drops the starts of a chain that has ended, from which all that it brought could be reached until
// another chain polls.
func (l starts) forgetOf(c *chain) {
	maps.DeleteFunc(l, func(_ string, s *start) bool { return s.heir() == c })
}
