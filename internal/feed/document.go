package feed

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// The types of the events of a document that is sent as patches.
const (
	snapshot = "snapshot"
	patch    = "patch"
)

// maxPast is how many documents before the newest one a chain knows again.
const maxPast = 64

// waiter is a reader that waits for the document, and since when.
type waiter struct {
	reader *Reader
	since  time.Time
}

// seatDocument gives a reader the newest document: that of the log if it is fresh, and else
// the answer to a poll that is due at once.
func (f *Feed) seatDocument(r *Reader) bool {
	if len(f.chains) == 0 {
		go f.newChain(r.start).run()
	}
	c := f.chains[0]
	c.add(r)
	r.desk.log = c.log // where it hears of the upstream's failures while it waits
	now := time.Now()
	if c.document != "" && c.fresh(now) && c.knows(r.lastID) {
		c.show(r)
		return true
	}
	c.newcomers = append(c.newcomers, waiter{r, now})
	c.audience.hurry()
	if c.pace.polling {
		c.showLater()
	}
	return true
}

// fresh reports whether the document of the log is the newest, as far as a poll could tell: one that
// the upstream holds, or that was answered within the interval.
func (c *chain) fresh(now time.Time) bool {
	if c.feed.config.LongPoll {
		return c.pace.polling && c.failures == 0 && !c.awaited()
	}
	return now.Sub(c.good) < c.feed.config.Interval
}

// knows reports whether a client's id is that of a document which this chain has brought, and so is no
// newer than that of the log. Other nodes may have told the client of newer ones.
func (c *chain) knows(id string) bool {
	_, held := c.log.find(id)
	return id == "" || id == c.document || held || slices.Contains(c.past, id)
}

// awaited reports whether readers wait for the answer to a poll.
func (c *chain) awaited() bool { return len(c.newcomers) > 0 }

// showLater shows readers the document that is known, once the upstream has held the poll since they
// came for as long as it takes to count: it has no newer one. But a poll that hangs looks the same. Who
// may have read a newer document elsewhere waits for another poll, without a cursor, if that is another
// question. The feed's lock is held.
func (c *chain) showLater() {
	if !c.feed.config.LongPoll {
		return
	}
	time.AfterFunc(held, func() {
		c.feed.mu.Lock()
		defer c.feed.mu.Unlock()
		now := time.Now()
		if c.document == "" || !c.pace.polling || c.failures > 0 || !c.pace.heldFor(now) {
			return
		}
		c.newcomers = slices.DeleteFunc(c.newcomers, func(w waiter) bool {
			switch {
			case now.Sub(w.since) < held:
				return false
			case !c.knows(w.reader.lastID):
				if c.asked == onward && c.asksAnew() {
					c.giveUp()
				}
				return false
			}
			c.show(w.reader)
			return true
		})
	})
}

// asksAnew reports whether a newcomer's poll for the document is another one than that of the chain, which
// the upstream may hold.
func (c *chain) asksAnew() bool { return !c.at.Cursor.IsZero() || c.conditional() }

// patch makes a patch of a document, where the one before is known and it is worth it.
func (c *chain) patch(p page.Page) page.Page {
	if c.feed.config.Diff == nil || len(p.Events) == 0 || p.Events[0].Key == c.document {
		return p
	}
	whole := p.Events[0]
	whole.Type = snapshot
	if c.document != "" {
		changes, worth, err := c.feed.config.Diff(c.text, whole.Data)
		switch {
		case err != nil:
			c.feed.health.logger.Warn("document is sent whole: it could not be compared", zap.Error(err))
		case worth:
			whole.Type, whole.Data = patch, changes
		}
	}
	c.newest = p.Events[0].Data
	p.Events = []page.Event{whole}
	return p
}

func (c *chain) takeDocument(p page.Page) (news bool) {
	c.at = p.Next.Clone()
	if len(p.Events) > 0 { // an answer without a document leaves the one that is known
		c.validators = p.Validators
	}
	if len(p.Events) > 0 && p.Events[0].Key != c.document {
		if c.document != "" {
			c.past = append(c.past, c.document)
		}
		if len(c.past) > maxPast {
			c.past = slices.Delete(c.past, 0, 1)
		}
		c.document, c.text, news = p.Events[0].Key, c.newest, true
		c.publish(encode(nil, p.Events, false))
	}
	if c.document == "" {
		return news // nobody can be shown anything yet
	}
	// an answer without a body shows nothing of what another node has told a client
	confirmed := len(p.Events) > 0 || p.Empty || c.feed.config.LongPoll && (c.asked == anew || !c.asksAnew()) // which was held
	c.newcomers = slices.DeleteFunc(c.newcomers, func(w waiter) bool {
		if !confirmed && !c.knows(w.reader.lastID) {
			return false
		}
		c.show(w.reader)
		return true
	})
	return news
}

// show gives a reader the newest document, unless it has it.
func (c *chain) show(r *Reader) {
	at, held := c.log.find(r.lastID)
	switch {
	case r.lastID == c.document:
		r.open(c.log.end())
	case c.feed.config.skips():
		r.open(place{node: c.log.tail.Load()})
	case held:
		r.open(at)
	default:
		r.before = sse.AppendEvent(nil, snapshot, c.text, c.document)
		r.open(c.log.end())
	}
}
