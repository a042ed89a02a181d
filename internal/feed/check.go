package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// After an outage the upstream may have started over: its next ids may be those that its clients
// have already. So a chain that has a position checks, before it takes anything: it asks for what it
// knows, in questions that an upstream has no reason to hold, until an answer tells.

// question is what one poll asks the upstream.
type question int

const (
	onward  question = iota // what comes after the position
	again                   // what came last, once more
	beneath                 // what stands at the position, which is a number: from the one beneath it
	anew                    // what a newcomer gets
)

// owe is told that the upstream was away: the chain has to check. The feed's lock is held.
func (c *chain) owe() {
	if c.step = 0; len(c.progress.questions()) > 0 {
		c.doubt = c.doubt&^unsure | owed
		c.late = c.pace.polling // what is under way was sent before
	}
}

// asks returns what the next poll asks. The feed's lock is held.
func (c *chain) asks() question {
	switch {
	case c.doubt&asking != 0:
		return anew
	case c.doubt&certain != 0:
		return c.blame.asked
	case c.doubt&owed != 0:
		if list := c.progress.questions(); c.step < len(list) {
			return list[c.step]
		}
		c.doubt &^= owed
	case c.document.awaited() && c.document.key != "" && c.progress.asksAnew(): // they need not wait for news
		return anew
	}
	return onward
}

// learn takes the answer to a question. The feed's lock is held.
func (c *chain) learn(p page.Page, now time.Time) {
	switch c.progress.tells(c.asked, p) {
	case startedOver:
		c.startOver(now, restarted)
	case goesOn:
		c.checked()
	default:
		c.drop()
	}
	c.passed = c.doubt&owed == 0
	c.goOn(now, p)
}

// drop goes on from a question that has told nothing to the next one, and after the last one from the
// position.
func (c *chain) drop() {
	if c.step++; c.step < len(c.progress.questions()) && !c.late {
		return
	}
	looked := c.doubt&unsure != 0 || c.progress.lately.last == ""
	if c.feed.config.Document {
		looked = !c.feed.circuit.open // else nothing has been answered, with the cursor or without
	}
	if c.checked(); c.doubt&owed == 0 && !looked {
		c.doubt |= unsure
	}
}

// checked goes on from the position, unless the upstream was away again since it was asked.
func (c *chain) checked() {
	if c.late {
		c.step = 0
		return
	}
	c.doubt &^= owed | unsure
}

// goOn has another poll follow an answer that brings clients nothing.
func (c *chain) goOn(now time.Time, p page.Page) {
	c.pace.soon(now)
	c.pace.hint(now, p.Wait)
}

// checkedDocument takes a document that was asked for without its cursor. It reports whether the
// upstream has started over.
func (c *chain) checkedDocument(p page.Page, now time.Time) bool {
	if c.progress.otherEpoch(p) {
		c.startOverAgain(now, restarted, p.Wait)
		return true
	}
	if c.doubt != none {
		c.passed = true
	}
	if c.doubt &^= asking; !c.late {
		c.doubt &^= owed
	}
	return false
}
