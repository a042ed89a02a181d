package feed

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// yieldAfter is how old a chain is at least that makes room for readers who wait for one.
const yieldAfter = time.Minute

// meet ends the chains that stand where another one's log can take their readers over. It is
// called whenever a chain has moved. The feed's lock is held.
func (f *Feed) meet() {
	if len(f.chains) < 2 {
		return
	}
	for _, b := range slices.Backward(slices.Clone(f.chains)) { // younger ones first
		for _, a := range f.chains {
			if at, ok := b.met(a); ok {
				b.goOver(a, at)
				break
			}
		}
	}
	f.seatWaiting()
}

// met returns the place in a's log at which c stands.
func (c *chain) met(a *chain) (place, bool) {
	if a == c || c.ctx.Err() != nil || a.ctx.Err() != nil || c.progress.at.Cursor.IsZero() || a.progress.at.Cursor.IsZero() || c.doubt != none || a.doubt != none {
		return place{}, false
	}
	return meet(c.progress.at.ID(), c.standing, a.standing, seenFrom{log: a.log, own: c.log}, c.feed.config.Tokens, a.older(c))
}

// seenFrom is the log of one chain, for another one that looks for its place there.
type seenFrom struct {
	*log

	own *log
}

// find returns the place that an id names, if all of the other chain's last page that the log holds
// too stands at or before it, and says the same there. An upstream without order could have put some of
// it after; and one that has started over gives ids again to other items.
func (s seenFrom) find(id string) (place, bool) {
	at, ok := s.log.find(id)
	if !ok {
		return place{}, false
	}
	tail := s.own.tail.Load()
	for _, m := range tail.marks {
		for _, name := range [...]string{m.id, m.key} {
			if spot, ok := s.log.spots[name]; ok && spot.after(at) {
				return place{}, false
			}
		}
		spot, own := s.log.spots[m.id], m.event(tail.batch)
		if spot != nil && spot.event != nil && own != nil && !bytes.Equal(spot.event, own) {
			return place{}, false
		}
	}
	return at, true
}

func (c *chain) older(d *chain) bool {
	for _, other := range c.feed.chains {
		switch other {
		case c:
			return true
		case d:
			return false
		}
	}
	return false
}

// goOver ends the chain; its readers go on in another one's log.
func (c *chain) goOver(a *chain, at place) {
	c.into = a
	c.end()
	for _, r := range c.audience.readers {
		a.add(r)
	}
	c.log.tail.Load().jump.Store(&at)
	for _, r := range c.audience.readers {
		r.signal()
	}
	c.audience.readers = nil
}

// final returns the chain that c's readers have gone over to.
func (c *chain) final() *chain {
	for c.into != nil {
		c = c.into
	}
	return c
}

// lead returns the chain by whose polls c times its own, if there is one: two that poll at the
// same moment see the same page, and meet. One that polls at once, or is backed off, goes by its own
// time. The feed's lock is held.
func (c *chain) lead() *chain {
	if c.feed.config.LongPoll || c.pace.why == AtOnce || c.pace.why == Backoff {
		return nil
	}
	for _, a := range c.feed.chains {
		if a == c {
			return nil
		}
		if a.failures == 0 && a.audience.present() && a.ctx.Err() == nil {
			return a
		}
	}
	return nil
}

// watchYield makes room for those who wait: a chain that has been behind for long starts over.
// The feed's lock is held.
func (f *Feed) watchYield() {
	if f.yielding != nil {
		return
	}
	var check func()
	check = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.waiting) == 0 || f.yielding == nil {
			f.yielding = nil // the next who waits starts it anew
			return
		}
		f.makeRoom(time.Now())
		f.yielding = time.AfterFunc(time.Second, check)
	}
	f.yielding = time.AfterFunc(time.Second, check)
}

// makeRoom has chains that are behind start over. Where none is, the one that the fewest read goes over
// to the oldest of which an answer has shown where it is, although nothing proves that they stand at one
// place, and its readers are told so. Where there is no such chain, it starts over and becomes one. The
// feed's lock is held.
func (f *Feed) makeRoom(now time.Time) {
	behind := false
	for _, c := range f.chains {
		if !c.reached {
			behind = true
			if now.Sub(c.born) >= yieldAfter {
				c.yield = true
				c.audience.nudge()
			}
		}
	}
	if behind {
		return
	}
	into := slices.IndexFunc(f.chains, func(c *chain) bool { return !c.standing.word })
	others := slices.Clone(f.chains)
	if into >= 0 {
		others = slices.Delete(others, into, into+1)
	}
	others = slices.DeleteFunc(others, func(c *chain) bool { return now.Sub(c.born) < yieldAfter })
	if len(others) == 0 {
		return
	}
	slices.Reverse(others) // of two that as many read, the younger one
	c := slices.MinFunc(others, func(c, d *chain) int { return cmp.Compare(len(c.audience.readers), len(d.audience.readers)) })
	if into < 0 {
		c.yield = true
		c.audience.nudge()
		return
	}
	a := f.chains[into]
	if a.progress.at.Cursor.IsZero() || a.failures > 0 {
		return
	}
	c.publish(f.reset(yielded), nil)
	c.goOver(a, a.log.end())
	f.seatWaiting()
}
