package feed

import (
	"slices"
	"time"
)

// A chain polls only while somebody reads, and only when one of them has taken its last page.

// wanted is called by a reader that has taken the last page.
func (l *log) wanted() {
	if l.chain != nil && !l.chain.demand.Load() && !l.chain.demand.Swap(true) {
		l.chain.nudge()
	}
}

// hurry makes the chain poll as soon as it may.
func (c *chain) hurry() {
	c.demand.Store(true)
	c.nudge()
}

func (c *chain) nudge() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

func (c *chain) reading() bool { return len(c.readers) > 0 }

// add makes a reader one of the chain's. The feed's lock is held.
func (c *chain) add(r *Reader) {
	r.chain, r.slot = c, len(c.readers)
	r.start = Start{} // it has served, and would hold the client's whole request
	c.readers = append(c.readers, r)
	if c.linger != nil {
		c.linger.Stop()
		c.linger = nil
	}
	if c.demand.Load() {
		c.nudge() // it waited for a reader
	}
}

// remove takes a reader off the chain, which stops some time after the last one. The feed's
// lock is held.
func (c *chain) remove(r *Reader) {
	last := c.readers[len(c.readers)-1]
	c.readers[r.slot], last.slot = last, r.slot
	c.readers[len(c.readers)-1] = nil
	c.readers = c.readers[:len(c.readers)-1]
	c.newcomers = slices.DeleteFunc(c.newcomers, func(w waiter) bool { return w.reader == r })
	if len(c.readers) > 0 || c.ctx.Err() != nil {
		return
	}
	c.feed.abandon(nil)
	var timer *time.Timer
	timer = time.AfterFunc(c.feed.config.Linger, func() {
		c.feed.mu.Lock()
		defer c.feed.mu.Unlock()
		if c.linger == timer {
			c.end()
		}
	})
	c.linger = timer
}
