package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Polled is what a chain has made of one poll, for who watches it.
type Polled struct {
	Ask  Ask
	Page page.Page // as it went to the readers; zero with an error
	Err  error
	News bool // the readers got something, or the cursor has moved

	Next Ask           // what the next poll asks, unless a client changes that
	Wait time.Duration // until then
	Why  Why
	Over bool // no poll follows
}

// Why is the reason for which a chain waits as long as it does before the next poll.
type Why string

// The reasons for the time of the next poll.
const (
	EveryInterval Why = "interval"  // the least interval
	NoNews        Why = "no_news"   // the interval has been lengthened while there was none
	Held          Why = "long_poll" // at once: the upstream holds the poll
	Backoff       Why = "backoff"   // after an error
	AskedTo       Why = "asked_to"  // the upstream said how long
	AtOnce        Why = "at_once"   // there is more to read, or the chain starts over
)

// report tells who watches the chain what has become of a poll.
func (c *chain) report(ask Ask, p page.Page, news bool, err error) {
	watch := c.feed.config.Polled
	if watch == nil {
		return
	}
	c.feed.mu.Lock()
	next, why := c.feed.due(c)
	then := c.progress.words(onward)
	then.Number, then.Chain, then.Session = c.pace.polls, c.id, &c.session
	c.feed.mu.Unlock()
	watch(Polled{
		Ask: ask, Page: p, Err: err, News: news, Next: then,
		Wait: max(time.Until(next), 0), Why: why, Over: c.ctx.Err() != nil,
	})
}
