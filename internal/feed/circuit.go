package feed

import (
	"time"

	"go.uber.org/zap"
)

// circuit is the state of an outage that the chains of a feed share. While polls fail, one chain probes for
// all, and the others wait for its result. The feed's lock guards it.
type circuit struct {
	feed    *common
	backoff waits
	good    time.Time // when a poll of any chain was last answered

	open    bool
	away    bool      // and the upstream may have started over
	certain bool      // only the upstream can be to blame
	spoken  bool      // a refused question was followed by a newcomer's poll at once
	last    time.Time // when the backoff went on last
	next    time.Time // when the next probe is due
	why     Why       // then
	probe   *chain    // whose poll is under way, or follows at once
	comment string    // why the last poll brought nothing
}

// backOff processes a failed poll that started at the given time.
func (k *circuit) backOff(now, started time.Time, hint time.Duration) {
	if !k.open || started.After(k.last) { // those that were under way say nothing new
		k.open, k.last = true, now
		wait := k.backoff.next()
		// a poll that hung has waited already; the rest spreads those that hung together
		k.next, k.why = later(started.Add(wait), now.Add(wait/30)), Backoff
		if !k.feed.config.LongPoll {
			k.next = later(k.next, started.Add(k.feed.config.Interval))
		}
	}
	if asked := now.Add(hint); hint > 0 && asked.After(k.next) {
		k.next, k.why = asked, AskedTo
	}
}

// forget drops the outage: it is over, or no stream is left.
func (k *circuit) forget() {
	k.open, k.away, k.certain, k.spoken, k.probe, k.comment = false, false, false, false, nil, ""
	k.backoff.reset()
}

// failed notes a failed poll of c.
func (k *circuit) failed(c *chain, now time.Time, by failure) {
	if k.probe == c {
		k.probe = nil
	}
	before := c.alone
	if c.alone = k.failsAlone(c, now); c.alone {
		if !before {
			k.feed.health.logger.Info("the upstream answers other polls, but not the poll from one position; only that poll is backed off",
				zap.String("state", by.comment), zap.Error(by.err))
		}
		c.pace.failed(now, by.wait)
		c.log.notice.say(by.comment)
		c.audience.wake()
		k.feed.chains.nudge()
		return
	}
	k.feed.health.fall(by)
	c.pace.retry()
	k.away = k.away || !by.later
	k.certain = k.certain || !k.feed.chains.vouch(c, now)
	started := c.pace.started
	if k.feed.config.Stream { // an answer that breaks off has not waited for anything
		started = now
	}
	k.backOff(now, started, by.wait)
	k.comment = by.comment
	k.feed.lobby.log.notice.say(by.comment)
	for _, other := range k.feed.chains {
		if !by.later {
			other.check.owe(other.pace.polling)
		}
		other.log.notice.say(by.comment)
	}
	k.wake()
}

// told notes a failed poll of another node, which polls again after a while.
func (k *circuit) told(now time.Time, by failure, wait time.Duration) {
	k.feed.health.fall(by)
	k.open, k.last, k.next, k.why = true, now, later(k.next, now.Add(wait)), Backoff
	k.away = k.away || !by.later
	k.comment = by.comment
	k.feed.lobby.log.notice.say(by.comment)
	for _, c := range k.feed.chains {
		c.log.notice.say(by.comment)
	}
	k.wake()
}

// failsAlone reports whether it is the chain's position or its client's request that the upstream
// cannot answer, while the feed is well. The chain backs off on its own then, and no other waits.
func (k *circuit) failsAlone(c *chain, now time.Time) bool {
	if c.failures > 1 && !k.good.Before(c.failed) {
		return true // others were answered since it has failed before
	}
	return !c.progress.placed && k.feed.chains.vouch(c, now)
}

// answered notes that a poll of c was answered, or is held: an outage is over.
func (k *circuit) answered(c *chain, now time.Time) {
	k.good = now
	c.alone = false
	if told := c.log.notice.clear(); !told && !k.open {
		return
	}
	k.forget()
	k.feed.lobby.log.notice.clear()
	for _, other := range k.feed.chains {
		if !other.alone {
			other.log.notice.clear()
		}
	}
	k.wake()
}

// wake makes all readers read the news of the upstream, and all pollers check again what they wait for.
func (k *circuit) wake() {
	k.feed.chains.wake()
	k.feed.lobby.wake()
	k.feed.chains.nudge()
}

// probes takes note that a chain polls, which makes it the probe if there is none.
func (k *circuit) probes(c *chain) {
	if !k.open || k.probe != nil {
		return
	}
	k.probe = c
	k.feed.chains.nudge() // they need not wait for its end if it is held
}

// gate returns when a chain may poll that wants to poll at the given time; false if it must wait for the
// result of another chain's poll.
func (k *circuit) gate(c *chain, next time.Time) (time.Time, bool) {
	switch {
	case !k.open:
		return next, true
	case !k.certain && c.failures == 0:
		return c.pace.next, true // the failure of another chain need not concern it
	case k.probe == c: // it has more to ask
		return c.pace.next, true
	case k.probe != nil && k.feed.config.LongPoll: // a probe that is held has found the upstream
		return later(c.pace.next, k.probe.pace.started.Add(held)), true
	case k.probe != nil && (k.probe.pace.polling || k.wants(k.probe)):
		return next, false
	}
	at := later(c.pace.next, k.next)
	for _, other := range k.feed.chains {
		if other != c && k.wants(other) && !other.pace.next.After(at) && k.probesBefore(other, c) {
			return at, false
		}
	}
	return at, true
}

// wants reports whether a poll of the chain is wanted, and none under way.
func (k *circuit) wants(c *chain) bool {
	return !c.pace.polling && c.ctx.Err() == nil && c.audience.wants()
}

// probesBefore orders the chains that could probe: those that have failed least, then those whose
// position the upstream knows, then the oldest.
func (k *circuit) probesBefore(c, d *chain) bool {
	switch {
	case c.failures != d.failures:
		return c.failures < d.failures
	case c.progress.placed != d.progress.placed:
		return c.progress.placed
	}
	return k.feed.chains.older(c, d)
}

// due returns when the next poll of a chain is due, and why then.
func (k *circuit) due(c *chain) (time.Time, Why) {
	if k.open && !c.alone && c.failures > 0 && !k.next.Before(c.pace.next) {
		return k.next, k.why
	}
	return c.pace.next, c.pace.why
}

// leave is told that a chain no longer polls; nil: one that may poll again. Another one probes.
func (k *circuit) leave(c *chain) {
	if k.probe == c {
		k.probe = nil
	}
	if k.open {
		k.feed.chains.nudge()
	}
}
