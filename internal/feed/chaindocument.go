package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// takeDocument processes an answer that is a document, and reports whether the document has changed. came is when it did,
// if another node has polled; that may be a while ago.
func (c *chain) takeDocument(p page.Page, came time.Time) (news bool) {
	c.progress.at = p.Next.Clone()
	if len(p.Events) > 0 { // an answer without a document leaves the one that is known
		c.progress.validators = p.Validators
	}
	if news = c.document.taken(p.Events); news {
		c.publish(encode(nil, p.Events, false))
	}
	// an answer without a body shows nothing of what another node has told a client, unless it was held
	c.document.answer(len(p.Events) > 0 || p.Empty || c.feed.config.LongPoll && (c.check.asked == anew || !c.progress.asksAnew()), came)
	return news
}

// showLater shows readers the document that is known, once the upstream has held the poll since they
// came for as long as it takes to count: it has no newer one. But a poll that hangs looks the same. A reader
// that may have got a newer document elsewhere waits for another poll, without a cursor, if that is another
// question.
func (c *chain) showLater() {
	if !c.feed.config.LongPoll {
		return
	}
	time.AfterFunc(held, func() {
		c.feed.mu.Lock()
		defer c.feed.mu.Unlock()
		now := time.Now()
		if c.document.key == "" || !c.pace.polling || c.failures > 0 || !c.pace.heldFor(now) {
			return
		}
		if c.document.answerHeld(now) && c.check.asked == onward && c.progress.asksAnew() {
			c.hold.abandon()
		}
	})
}

// fresh reports whether the document of the log is the newest, as far as a poll could tell: one that
// the upstream holds, for another node too, or that was answered within the interval.
func (c *chain) fresh(now time.Time) bool {
	if c.feed.config.LongPoll {
		return (c.pace.polling || c.sharing.following) && c.failures == 0 && !c.document.awaited()
	}
	return now.Sub(c.progress.good) < c.feed.config.Interval
}
