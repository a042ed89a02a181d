package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// closed processes the end of an answer that goes on. It takes the feed's lock.
func (c *chain) closed(by *Closed) {
	if outage := by.outage(); outage != nil {
		c.fail(outage)
		return
	}
	now := time.Now()
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.over() {
		return
	}
	c.pace.polling, c.failures = false, 0
	c.alive(now)
	c.count(now, Silent, by.Status, 0)
	c.hangUp()
	wait := c.connection.wait(by)
	c.pace.soon(now)
	c.pace.hint(now, wait)
	c.finds.ended(by, c.feed.health.logger)
}

// hangUp takes note that an answer that goes on is over.
func (c *chain) hangUp() {
	if c.connection.ended(c.progress.at) {
		c.lapsed = gap
	}
}

// settles reports whether an answer shows that the upstream takes the position, or the session, of the chain.
func (c *chain) settles(p page.Page, now time.Time) bool {
	if c.feed.config.Loses { // a session may be refused by the answer after a first one
		return len(p.Events) > 0 || !c.feed.config.LongPoll || c.pace.heldFor(now)
	}
	return !c.progress.at.IsZero()
}

// giveUp gives up the session of a poll that has failed, if it was open.
func (c *chain) giveUp() {
	if c.session.Opened != nil {
		c.lapse(gap)
	}
}

// lapse gives up a session with what it held. The readers are told once the next one works: before, they could
// not ask for what they have missed until then.
func (c *chain) lapse(reason reset) {
	if c.session.Opened = nil; c.feed.config.Loses {
		c.lapsed = reason
		c.recent.forget() // the next session may count anew
	}
}

// renew tells the readers that a session was lost.
func (c *chain) renew() {
	if c.lapsed == "" {
		return
	}
	c.announce(c.lapsed)
	c.lapsed = ""
}

// announce tells the readers that events may be missing. No id from before is a place any more.
func (c *chain) announce(reason reset) {
	notice := reason.event(&c.feed.config.Counters)
	c.log.forget(notice)
	c.publish(sealed(notice), nil)
	c.told.owed = true
}
