package feed

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

// circuit is what the chains of a feed share of an outage: while polls fail, one chain probes for
// all, and the others wait for what becomes of it. The feed's lock guards it.
type circuit struct {
	config  *Config
	backoff *backoff.ExponentialBackOff
	good    time.Time // when a poll of any chain was last answered

	open    bool
	away    bool      // and the upstream may have started over
	last    time.Time // when the backoff went on last
	certain bool      // nothing but the upstream can be to blame
	next    time.Time // when the next probe is due
	why     Why       // then
	probe   *chain    // whose poll is under way, or follows at once
	spoken  bool      // a refused question was followed by a newcomer's poll at once
	comment string    // why the last poll brought nothing
}

func newCircuit(config *Config) circuit {
	return circuit{config: config, backoff: newBackoff()}
}

// failed takes a poll that started at the given time and brought nothing to read.
func (k *circuit) failed(now, started time.Time, hint time.Duration) {
	if !k.open || started.After(k.last) { // those that were under way say nothing new
		k.open, k.last = true, now
		wait := k.backoff.NextBackOff()
		// a poll that hung has waited already; the rest spreads those that hung together
		k.next, k.why = later(started.Add(wait), now.Add(wait/30)), Backoff
		if !k.config.LongPoll {
			k.next = later(k.next, started.Add(k.config.Interval))
		}
	}
	if asked := now.Add(hint); hint > 0 && asked.After(k.next) {
		k.next, k.why = asked, AskedTo
	}
}

// close forgets the outage.
func (k *circuit) close() {
	k.open, k.away, k.certain, k.spoken, k.probe, k.comment = false, false, false, false, nil, ""
	k.backoff.Reset()
}

// failed takes note of a poll of c that brought nothing to read. The feed's lock is held.
func (f *Feed) failed(c *chain, now time.Time, by failure) {
	k := &f.circuit
	if k.probe == c {
		k.probe = nil
	}
	before := c.alone
	c.alone = c.failsAlone(now)
	c.failed = now
	if c.alone {
		if !before {
			f.health.logger.Info("the upstream answers others, but not the poll from one position; that one alone is backed off",
				zap.String("state", by.comment), zap.Error(by.err))
		}
		c.pace.failed(now, by.wait)
		c.log.say(by.comment)
		c.audience.wake()
		f.kickAll()
		return
	}
	f.health.fall(by.comment, by.err)
	c.pace.retry()
	if !by.later {
		k.away = true
		for _, other := range f.chains {
			other.owe()
		}
	}
	k.certain = k.certain || !c.vouched(now)
	k.failed(now, c.pace.started, by.wait)
	k.comment = by.comment
	f.lobby.say(by.comment)
	for _, other := range f.chains {
		other.log.say(by.comment)
	}
	f.wakeAll()
	f.kickAll()
}

// answered takes note of a poll of c that was answered, or is held: an outage is over. The feed's lock is held.
func (f *Feed) answered(c *chain, now time.Time) {
	f.circuit.good = now
	c.alone = false
	down := f.circuit.open || c.log.notice.Load() != nil
	c.log.notice.Store(nil)
	if !down {
		return
	}
	f.circuit.close()
	f.lobby.notice.Store(nil)
	for _, other := range f.chains {
		if !other.alone {
			other.log.notice.Store(nil)
		}
	}
	f.wakeAll() // who was told that the upstream is down
	f.kickAll()
}

// failsAlone reports whether it is the chain's position or its client's request that the upstream
// cannot answer, while the feed is well. The chain backs off on its own then, and no other waits.
func (c *chain) failsAlone(now time.Time) bool {
	if c.failures > 1 && !c.feed.circuit.good.Before(c.failed) {
		return true // others were answered since it has failed before
	}
	return !c.progress.placed && c.vouched(now)
}

// blamesID reports whether the chain's last poll was from a position.
func (c *chain) blamesID() bool { return !c.progress.at.IsZero() && c.asked != anew }

// vouched reports whether another chain shows that the upstream is well: it was answered just
// now, or its poll is being held.
func (c *chain) vouched(now time.Time) bool {
	config := c.feed.config
	for _, a := range c.feed.chains {
		if a == c || a.failures > 0 {
			continue
		}
		if a.progress.placed && (a.pace.polling || now.Sub(a.progress.good) < config.Interval) ||
			config.LongPoll && a.pace.polling && a.pace.heldFor(now) {
			return true
		}
	}
	return false
}

// disputed reports whether it may be the position that the last poll was refused for, or what a check
// asks beside it. It takes the feed's lock.
func (c *chain) disputed(now time.Time) bool {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.asked != onward {
		return c.doubt&asking == 0
	}
	return c.blamesID() && (c.doubt&certain != 0 || c.feed.health.first() || c.disputable(now))
}

// disputable reports whether it may be the chain's position alone that a refusal is for: no poll from
// it has been answered, or the last one of another chain was, however long ago. The feed's lock is held.
func (c *chain) disputable(now time.Time) bool {
	return !c.progress.placed || c.vouched(now) || slices.ContainsFunc(c.feed.chains, func(a *chain) bool {
		return a != c && a.progress.placed && a.failures == 0
	})
}

// probes takes note that a chain polls, which makes it the probe if there is none. The feed's lock is held.
func (f *Feed) probes(c *chain) {
	k := &f.circuit
	if !k.open || k.probe != nil {
		return
	}
	k.probe = c
	f.kickAll() // they need not wait for its end if it is held
}

// gate returns when a chain may poll that wants to at the given time, and false if it waits for
// what becomes of another one's poll. The feed's lock is held.
func (f *Feed) gate(c *chain, next time.Time) (time.Time, bool) {
	k := &f.circuit
	switch {
	case !k.open:
		return next, true
	case !k.certain && c.failures == 0:
		return c.pace.next, true // what another one met need not concern it
	case k.probe == c: // it has more to ask
		return c.pace.next, true
	case k.probe != nil && k.config.LongPoll: // a probe that is held has found the upstream
		return later(c.pace.next, k.probe.pace.started.Add(held)), true
	case k.probe != nil && (k.probe.pace.polling || k.probe.wants()):
		return next, false
	}
	at := later(c.pace.next, k.next)
	for _, other := range f.chains {
		if other != c && other.wants() && !other.pace.next.After(at) && other.probesBefore(c) {
			return at, false
		}
	}
	return at, true
}

// due returns when the next poll of a chain is due, and why then. The feed's lock is held.
func (f *Feed) due(c *chain) (time.Time, Why) {
	if k := &f.circuit; k.open && !c.alone && c.failures > 0 && !k.next.Before(c.pace.next) {
		return k.next, k.why
	}
	return c.pace.next, c.pace.why
}

// probesBefore orders the chains that could probe: those that have failed least, then those whose
// position the upstream knows, then the oldest.
func (c *chain) probesBefore(d *chain) bool {
	switch {
	case c.failures != d.failures:
		return c.failures < d.failures
	case c.progress.placed != d.progress.placed:
		return c.progress.placed
	}
	return c.older(d)
}

// wants reports whether a poll of the chain is wanted, and none under way.
func (c *chain) wants() bool {
	return !c.pace.polling && c.ctx.Err() == nil && c.audience.wants()
}

// abandon is told that a chain polls no more: another one probes. The feed's lock is held.
func (f *Feed) abandon(c *chain) {
	if f.circuit.probe == c {
		f.circuit.probe = nil
	}
	if f.circuit.open {
		f.kickAll()
	}
}

func (f *Feed) kickAll() {
	for _, c := range f.chains {
		c.audience.nudge()
	}
}

func (f *Feed) wakeAll() {
	for _, c := range f.chains {
		c.audience.wake()
	}
	for _, r := range f.waiting {
		r.signal()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
