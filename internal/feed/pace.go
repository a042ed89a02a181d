package feed

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// held is how long an answer without news must have taken to count as a long poll.
	held = time.Second
	// maxMore is how many polls may follow one another at once, because the upstream has more to read.
	maxMore = 100
	// maxBare is how many prompt answers of a long poll may follow one another at once that only move the cursor: a
	// backend may leave out what others want to have, or hold no polls.
	maxBare = 10
	// maxBackoff is the most that a feed waits after an error.
	maxBackoff = 30 * time.Second
)

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

// pace decides when a chain polls next. It has no clock: its methods get the times.
type pace struct {
	config  *Config
	wait    time.Duration // between the starts of two polls, while there is no news
	backoff waits         // of a chain that fails while its feed is well
	resets  waits         // of one that the upstream resets again and again
	undone  int           // resets running, without an answer to a position in between
	polls   int           // that were sent
	more    int           // polls that have followed one another at once
	bare    int           // prompt answers running that only moved the cursor
	polling bool          // one is in flight
	held    bool          // the last answer was held, or had no news
	hurried bool          // a newcomer waits for the next poll, which need not wait for news
	started time.Time
	next    time.Time
	why     Why // next is when it is
}

// waits are the waits after errors: exponential with full jitter, from 1s up to maxBackoff.
type waits struct{ backoff *backoff.ExponentialBackOff }

func (w *waits) next() time.Duration {
	if w.backoff == nil {
		w.backoff = backoff.NewExponentialBackOff()
		// full jitter: anything between zero and twice the interval
		w.backoff.InitialInterval, w.backoff.MaxInterval = time.Second/2, maxBackoff/2
		w.backoff.Multiplier, w.backoff.RandomizationFactor = 2, 1
		w.backoff.Reset()
	}
	return w.backoff.NextBackOff()
}

func (w *waits) reset() { w.backoff = nil }

// most is the maximum of the wait.
func (p *pace) most() time.Duration { return max(p.config.Interval, p.config.MaxInterval) }

// start takes a poll that is sent, and returns how many were before it.
func (p *pace) start(now time.Time) (before int) {
	p.started, p.polling, p.hurried = now, true, false
	p.polls++
	return p.polls - 1
}

// shared takes an answer of another node's, to a poll that was sent then.
func (p *pace) shared(sent time.Time) { p.started = later(p.started, sent) }

// heldFor reports whether the poll has taken long enough to count as a long poll.
func (p *pace) heldFor(now time.Time) bool { return now.Sub(p.started) >= held }

// answered takes an answer that could be read. news without events is a cursor that has moved. more says that it is
// not all there is, and hint is the least wait that it asks for.
func (p *pace) answered(now time.Time, news, events, more bool, hint time.Duration) {
	p.backoff.reset()
	prompt := !p.heldFor(now)
	p.held = !news || !prompt
	if p.bare++; !news || events || more || !prompt {
		p.bare = 0
	}
	if news || (p.config.LongPoll && !prompt) {
		p.wait = p.config.Interval
	}
	switch {
	case p.config.Stream || p.config.LongPoll && (news && p.bare <= maxBare || !prompt):
		p.next, p.why = now, Held
	default:
		p.next, p.why = p.started.Add(p.wait), EveryInterval
		if p.wait > p.config.Interval {
			p.why = NoNews
		}
		if !news {
			p.wait = min(2*p.wait, p.most())
		}
	}
	if more && p.more < maxMore { // after that many polls at once, one is paced
		p.more++
		p.soon(now)
	} else {
		p.more = 0
	}
	p.hint(now, hint)
}

// retry processes a failed poll. The feed's circuit decides when the next one is due.
func (p *pace) retry() {
	p.next = p.started
	if !p.config.LongPoll {
		p.next = p.started.Add(p.config.Interval)
	}
}

// failed takes one of a chain that fails while its feed is well.
func (p *pace) failed(now time.Time, hint time.Duration) {
	p.next, p.why = now.Add(p.backoff.next()), Backoff
	if least := p.started.Add(p.config.Interval); !p.config.LongPoll && p.next.Before(least) {
		p.next = least
	}
	p.hint(now, hint)
}

// reset takes a reset by an answer, and returns how many there were running. The first one is followed by
// a poll at once; but an upstream that goes on to take back what it has just given is backed off.
func (p *pace) reset(now time.Time, hint time.Duration) int {
	p.soon(now)
	if p.undone++; p.undone == 1 {
		return 1
	}
	p.next, p.why = later(now.Add(p.resets.next()), p.started.Add(p.config.Interval)), Backoff
	p.hint(now, hint)
	return p.undone
}

// placed takes an answer to a position: the upstream does not take it back.
func (p *pace) placed() {
	p.undone = 0
	p.resets.reset()
}

// earliest is the soonest that a poll may follow the last one.
func (p *pace) earliest() time.Time {
	if least := p.started.Add(p.config.Interval); least.Before(p.next) {
		return least
	}
	return p.next
}

// beside returns when a chain polls that times its polls by those of p. On its own it would poll
// at t, and it has polled last at the time mine: it never follows that in less than half of the
// least interval.
func (p *pace) beside(t, mine, now time.Time) time.Time {
	least := mine.Add(p.config.Interval / 2)
	if now.Sub(p.started) <= p.config.Interval/10 && mine.Before(p.started) && !now.Before(least) {
		return now // p has just polled
	}
	next := p.next
	if !next.After(now) {
		next = p.started.Add(p.wait)
	}
	if next.Before(least) {
		next = next.Add(p.wait)
	}
	if next.Before(now) || next.After(t.Add(p.most())) {
		return t
	}
	return next
}

// soon lets the next poll follow at once.
func (p *pace) soon(now time.Time) { p.next, p.why = now, AtOnce }

// hint can only lengthen a wait.
func (p *pace) hint(now time.Time, hint time.Duration) {
	if at := now.Add(hint); hint > 0 && at.After(p.next) {
		p.next, p.why = at, AskedTo
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
