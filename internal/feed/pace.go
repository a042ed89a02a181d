package feed

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// held is how long an answer without news must have taken to count as a long poll.
	held = time.Second
	// maxBackoff is the most that a feed waits after an error.
	maxBackoff = 30 * time.Second
)

// pace decides when a chain polls next. It knows no clock: it is told the times.
type pace struct {
	min, max time.Duration
	longPoll bool
	wait     time.Duration               // between the starts of two polls, while there is no news
	backoff  *backoff.ExponentialBackOff // of a chain that fails while its feed is well
	resets   *backoff.ExponentialBackOff // of one that the upstream resets again and again
	started  time.Time
	next     time.Time
	why      Why // next is when it is
}

// newBackoff returns an exponential backoff with full jitter, from 1s up to maxBackoff.
func newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	// full jitter: anything between zero and twice the interval
	b.InitialInterval, b.MaxInterval = time.Second/2, maxBackoff/2
	b.Multiplier, b.RandomizationFactor = 2, 1
	b.Reset()
	return b
}

func newPace(config *Config) pace {
	return pace{
		min: config.Interval, max: max(config.Interval, config.MaxInterval), wait: config.Interval,
		longPoll: config.LongPoll, backoff: newBackoff(), resets: newBackoff(),
	}
}

func (p *pace) start(now time.Time) { p.started = now }

// answered takes an answer that could be read. hint is the least wait that it asks for.
func (p *pace) answered(now time.Time, news bool, hint time.Duration) {
	p.backoff.Reset()
	prompt := now.Sub(p.started) < held
	if news || (p.longPoll && !prompt) {
		p.wait = p.min
	}
	switch {
	case p.longPoll && (news || !prompt):
		p.next, p.why = now, Held
	default:
		p.next, p.why = p.started.Add(p.wait), EveryInterval
		if p.wait > p.min {
			p.why = NoNews
		}
		if !news {
			p.wait = min(2*p.wait, p.max)
		}
	}
	p.hint(now, hint)
}

// retry takes a poll that brought nothing to read; the feed's circuit says when the next one is due.
func (p *pace) retry() {
	p.next = p.started
	if !p.longPoll {
		p.next = p.started.Add(p.min)
	}
}

// failed takes one of a chain that fails while its feed is well.
func (p *pace) failed(now time.Time, hint time.Duration) {
	p.next, p.why = now.Add(p.backoff.NextBackOff()), Backoff
	if least := p.started.Add(p.min); !p.longPoll && p.next.Before(least) {
		p.next = least
	}
	p.hint(now, hint)
}

// again takes a reset that follows on another one.
func (p *pace) again(now time.Time, hint time.Duration) {
	p.next, p.why = later(now.Add(p.resets.NextBackOff()), p.started.Add(p.min)), Backoff
	p.hint(now, hint)
}

// earliest is the soonest that a poll may follow the last one.
func (p *pace) earliest() time.Time {
	if least := p.started.Add(p.min); least.Before(p.next) {
		return least
	}
	return p.next
}

// beside returns when a chain polls that times its polls by those of p. On its own it would poll
// at t, and it has polled last at the time mine: it never follows that in less than half of the
// least interval.
func (p *pace) beside(t, mine, now time.Time) time.Time {
	least := mine.Add(p.min / 2)
	if now.Sub(p.started) <= p.min/10 && mine.Before(p.started) && !now.Before(least) {
		return now // p has just polled
	}
	next := p.next
	if !next.After(now) {
		next = p.started.Add(p.wait)
	}
	if next.Before(least) {
		next = next.Add(p.wait)
	}
	if next.Before(now) || next.After(t.Add(p.max)) {
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
