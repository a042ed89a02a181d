package feed

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// manyResets is after how many resets running the operator is told of them.
const manyResets = 3

// fail takes a poll that brought nothing to read.
func (c *chain) fail(err error) {
	now := time.Now()
	var (
		refusal *page.Refusal
		failure *page.Error
		comment = "upstream unreachable"
		hint    time.Duration
	)
	c.failing(now, err)
	switch {
	case errors.As(err, &refusal):
		if c.refused(now, refusal) {
			return
		}
		comment = "upstream refuses"
	case errors.As(err, &failure):
		comment, hint = failure.Comment, failure.Wait
	}
	c.feed.health.fail(err)

	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.ctx.Err() != nil {
		return
	}
	if failure != nil {
		c.feed.remarkPause(failure.Wait, failure.Asked)
	}
	c.polling = false
	c.failures++
	if refusal != nil || c.failures%placeTries == 0 {
		c.session.Opened = nil
	}
	if refusal != nil && c.unsettled(refusal) {
		c.failed = now
		c.suspect(now, refusal)
		return
	}
	c.held = false // so that those who find an upstream back count among the polls that are bounded
	c.feed.failed(c, now, comment, hint, err)
	c.suspect(now, refusal)
}

// unsettled reports whether it may be the client's id alone that the upstream has refused, and what
// follows at once finds that out, so that nobody is told that the upstream were down: at the first
// contact, and where streams would end, a newcomer's poll; and after one that was answered a new
// start. The feed's lock is held.
func (c *chain) unsettled(refusal *page.Refusal) bool {
	return c.blamesID() && !c.feed.circuit.open &&
		(c.doubt == certain || c.doubt == none && !c.placed && (c.feed.health.first() || final(refusal.Status)))
}

// refused reports whether the refusal ends the chain.
func (c *chain) refused(now time.Time, refusal *page.Refusal) bool {
	if c.blamesID() && (c.feed.health.first() || c.doubt == certain || c.disputed(now)) {
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
	c.at, c.carry, c.validators, c.doubt, c.placed, c.failures = position.Position{}, nil, page.Validators{}, none, false, 0
	c.standing, c.reached, c.document, c.session.Opened = standing{}, true, "", nil
	c.log.forget()
	c.publish(c.feed.reset(reason), nil)
	c.pace.soon(now)
}

// startOverAgain starts over because an answer says so. The first time that is at once; but an
// upstream that goes on to take back what it has just given is backed off. The feed's lock is held.
func (c *chain) startOverAgain(now time.Time, reason reset, hint time.Duration) {
	c.startOver(now, reason)
	if c.resets++; c.resets == 1 {
		return
	}
	if c.resets == manyResets {
		c.feed.health.logger.Warn("the upstream takes each position back that it has just given: does `reset` or `epoch` hold for good answers?",
			zap.Int("resets", manyResets))
	}
	c.pace.again(now, hint)
}
