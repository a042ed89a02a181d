package feed

import (
	"errors"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// manyResets is after how many resets running the operator is told of them.
const manyResets = 3

// unreachable is the comment on a poll to which no answer came.
const unreachable = "upstream unreachable"

// failure is a poll that brought nothing to read.
type failure struct {
	err     error
	refusal *page.Refusal // nil where it is none
	comment string        // for clients
	kind    string        // equal for failures of one kind
	wait    time.Duration // the least time to the next poll that the upstream asks for, capped
	wished  time.Duration // what it asks for, where that is more than wait; else 0
	later   bool          // the upstream is there, and says that it will do better later
}

func failureOf(err error) failure {
	f := failure{err: err, comment: unreachable}
	failed := (*page.Error)(nil)
	switch {
	case errors.As(err, &f.refusal):
		f.comment = "upstream refuses"
		f.kind = strconv.Itoa(f.refusal.Status)
		return f
	case errors.As(err, &failed):
		f.comment, f.wait, f.wished, f.later = failed.Comment, failed.Wait, failed.Asked, failed.Later
	}
	f.kind = f.comment
	return f
}

// fail takes a poll that brought nothing to read.
func (c *chain) fail(err error) {
	now := time.Now()
	by := failureOf(err)
	c.failing(now, err)
	if by.refusal != nil && c.refused(now, by.refusal) {
		return
	}
	c.feed.health.fail(err)

	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.ctx.Err() != nil {
		return
	}
	c.feed.remarkPause(by.wait, by.wished)
	c.pace.polling = false
	c.failures++
	if c.asked == onward {
		c.misses++
		c.wary = c.wary || c.passed && !by.later && !c.pace.heldFor(now)
	}
	if by.refusal != nil || c.failures%placeTries == 0 {
		c.session.Opened = nil
	}
	if c.unsettled(by) {
		c.failed = now
		c.feed.circuit.spoken = c.feed.circuit.open
	} else {
		c.pace.held = false // so that those who find an upstream back count among the polls that are bounded
		c.feed.failed(c, now, by)
	}
	c.suspect(now, by)
}

// unsettled reports whether it may be the position alone that the upstream does not answer, and what
// follows at once finds that out or goes on without it, so that nobody is told that the upstream were
// down. The feed's lock is held.
func (c *chain) unsettled(by failure) bool {
	switch {
	case c.confirms(by) || c.vain():
		return true
	case by.refusal == nil || c.doubt&(asking|certain) != 0 || !c.blamesID():
		return false
	case c.asked != onward: // an upstream may forget what is before the position
		return !c.feed.circuit.spoken
	}
	return !c.feed.circuit.open && !c.progress.placed && (c.feed.health.first() || final(by.refusal.Status))
}

// refused reports whether the refusal ends the chain.
func (c *chain) refused(now time.Time, refusal *page.Refusal) bool {
	if c.disputed(now) {
		return false // it may be the client's id, until a poll without a position is refused too
	}
	if !c.feed.health.refuse(now, refusal) {
		return false
	}
	c.feed.stop(&End{Reason: Refused, Refusal: refusal})
	return true
}

// startOver goes on as for a newcomer, and says so. The feed's lock is held.
func (c *chain) startOver(now time.Time, reason reset) {
	c.progress.forget()
	c.document.forget()
	c.session.Opened = nil
	c.doubt, c.failures, c.step, c.misses, c.passed, c.wary = none, 0, 0, 0, false, false
	c.standing, c.reached = standing{}, true
	notice := c.feed.reset(reason)
	c.log.forget(notice)
	c.publish(notice, nil)
	c.pace.soon(now)
}

// startOverAgain starts over because an answer says so. The feed's lock is held.
func (c *chain) startOverAgain(now time.Time, reason reset, hint time.Duration) {
	c.startOver(now, reason)
	if c.pace.reset(now, hint) == manyResets {
		c.feed.health.logger.Warn("the upstream takes each position back that it has just given: does `reset` or `epoch` hold for good answers?",
			zap.Int("resets", manyResets))
	}
}
