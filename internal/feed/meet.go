package feed

import (
	"slices"
	"time"
)

const (
	// patience is how long a chain at the upstream's end looks for a moment at which its place in
	// another log is certain.
	patience = time.Minute
	// yieldAfter is how long a chain may be behind while readers wait for a chain.
	yieldAfter = time.Minute
)

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
	if a == c || c.ctx.Err() != nil || a.ctx.Err() != nil || c.at.Cursor.IsZero() || c.doubt != none || a.doubt != none {
		return place{}, false
	}
	if at, ok := a.log.find(c.at.ID()); ok && c.whole(a, at) {
		return at, true
	}
	if !a.older(c) {
		return place{}, false
	}
	// Cursors of equal positions may differ. Both are at the end if each has found nothing by a
	// poll that was sent after the other's last events.
	if c.quiet.After(a.loud) && a.quiet.After(c.loud) {
		return a.log.end(), true
	}
	// What the older log brought since this chain's last poll is what this chain may lack.
	if !c.ended.IsZero() && time.Since(c.ended) >= patience && !a.ended.IsZero() && a.failures == 0 &&
		c.beside == a && !c.besideAt.lost() {
		return c.besideAt, true
	}
	return place{}, false
}

// whole reports whether all of c's last page that a's log holds too stands at or before a place.
// An upstream without order could have put some of it after.
func (c *chain) whole(a *chain, at place) bool {
	for _, m := range c.log.tail.Load().marks {
		if s, ok := a.log.spots[m.id]; ok && s.after(at) {
			return false
		}
	}
	return true
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
	for _, r := range c.readers {
		a.add(r)
	}
	c.log.tail.Load().jump.Store(&at)
	for _, r := range c.readers {
		r.signal()
	}
	c.readers = nil
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
		if a.failures == 0 && a.reading() && a.ctx.Err() == nil {
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
		for _, c := range f.chains {
			if !c.reached && time.Since(c.born) >= yieldAfter {
				c.yield = true
				c.nudge()
			}
		}
		f.yielding = time.AfterFunc(time.Second, check)
	}
	f.yielding = time.AfterFunc(time.Second, check)
}
