package feed

import (
	"cmp"
	"slices"
	"time"
)

// chains are those of a feed, oldest first. The feed's lock guards them.
type chains []*chain

func (l chains) nudge() {
	for _, c := range l {
		c.audience.nudge()
	}
}

func (l chains) wake() {
	for _, c := range l {
		c.audience.wake()
	}
}

// older reports whether c began before d.
func (l chains) older(c, d *chain) bool {
	for _, other := range l {
		if other == c || other == d {
			return other == c
		}
	}
	return false
}

// vouch reports whether a chain other than c shows that the upstream works: it was answered just now, or its
// poll is being held.
func (l chains) vouch(c *chain, now time.Time) bool {
	config := c.feed.config
	return slices.ContainsFunc(l, func(a *chain) bool {
		if a == c || a.failures > 0 {
			return false
		}
		return a.progress.placed && (a.pace.polling || now.Sub(a.progress.good) < config.Interval) ||
			config.LongPoll && a.pace.polling && a.pace.heldFor(now)
	})
}

// answered reports whether the last poll of another chain than c was answered, however long ago.
func (l chains) answered(c *chain) bool {
	return slices.ContainsFunc(l, func(a *chain) bool { return a != c && a.progress.placed && a.failures == 0 })
}

// lead returns the chain whose polls set the time of the polls of c, if there is one: two chains that poll at
// the same moment see the same page, and meet. A chain that polls at once, has more to read, or is backed off keeps its own
// time.
func (l chains) lead(c *chain) *chain {
	if c.feed.config.LongPoll || c.pace.why == AtOnce || c.pace.why == Backoff || c.pace.more > 0 {
		return nil
	}
	for _, a := range l {
		if a == c {
			return nil
		}
		if a.failures == 0 && a.audience.present() && a.ctx.Err() == nil {
			return a
		}
	}
	return nil
}

// asking returns a chain whose next poll is the same as that of a newcomer with that request; nil: there is none.
// Messages come once. So where a chain has no cursor to ask from, a newcomer misses nothing beside it.
func (l chains) asking(key string) *chain {
	i := slices.IndexFunc(l, func(c *chain) bool {
		return c.feed.config.Messages && c.key == key && c.progress.at.Cursor.IsZero() && c.check.doubt == none
	})
	if i < 0 {
		return nil
	}
	return l[i]
}

// comparable reports whether two chains would send the same poll from one id. Without a cursor, each sends its
// own first request.
func (l chains) comparable(c, a *chain) bool {
	if c.progress.at.Cursor.IsZero() && a.progress.at.Cursor.IsZero() {
		return c.key == a.key
	}
	return !c.progress.at.Cursor.IsZero() && !a.progress.at.Cursor.IsZero()
}

// met returns the place in the log of a at which c stands.
func (l chains) met(c, a *chain) (place, bool) {
	if a == c || c.ctx.Err() != nil || a.ctx.Err() != nil || !l.comparable(c, a) || c.check.doubt != none || a.check.doubt != none {
		return place{}, false
	}
	return meet(c.progress.at.ID(), c.meeting.standing, a.meeting.standing, seenFrom{log: a.log, own: c.log}, c.feed.config.Tokens, l.older(a, c))
}

// room returns the chains that make room for readers that wait for one, and the chain that their own readers go over
// to; nil: they start over. Chains that have been behind for long start over. If none is behind, the one with the
// fewest readers goes over to the oldest one whose place an answer has shown, although nothing proves that they
// stand at one place. If there is no such chain, it starts over and becomes one.
func (l chains) room(now time.Time) (from []*chain, to *chain) {
	behind := slices.ContainsFunc(l, func(c *chain) bool { return !c.meeting.reached })
	if i := slices.IndexFunc(l, func(c *chain) bool { return !c.meeting.standing.word }); !behind && i >= 0 {
		to = l[i]
	}
	from = slices.DeleteFunc(slices.Clone(l), func(c *chain) bool {
		return c == to || behind && c.meeting.reached || now.Sub(c.meeting.born) < yieldAfter
	})
	switch {
	case behind || len(from) == 0:
		return from, nil
	case to != nil && (to.progress.at.Cursor.IsZero() || to.failures > 0):
		return nil, nil
	}
	slices.Reverse(from) // of two that as many read, the younger one
	return []*chain{slices.MinFunc(from, func(c, d *chain) int {
		return cmp.Compare(len(c.audience.readers), len(d.audience.readers))
	})}, to
}
