package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// placeTries is how many polls may fail before a chain finds out whether it is its
// position that the upstream cannot answer.
const placeTries = 3

// doubt is what keeps a chain's position from meaning something for certain.
type doubt uint8

const none doubt = 0

const (
	// owed: the upstream was away, and may have started over. The chain checks that (check.go) before
	// it goes on.
	owed doubt = 1 << iota
	// unsure: the check has told nothing. There may be more to tell by the next news, or, of a document,
	// once the upstream is there.
	unsure
	// asking: polls from a position fail. The next poll is a newcomer's: is it the position?
	asking
	// certain: a newcomer's poll was answered. Another refusal from the position, or several failures,
	// confirm that only the position is at fault: the upstream may have recovered just between the two.
	certain
)

// blame is what a chain is asking or certain about: the poll that failed, and how.
type blame struct {
	asked question
	kind  string
	tries int // failures of that kind that are still to come, until it is the position's fault
}

// blameFor returns the blame for a failure. A refusal is of what was asked. All else happens to any poll,
// as long as a backend has just come back.
func blameFor(asked question, f failure) blame {
	b := blame{asked, f.kind, placeTries}
	if f.refusal != nil || asked != onward {
		b.tries = 1
	}
	return b
}

// suspect takes note of a poll that failed. The feed's lock is held.
func (c *chain) suspect(now time.Time, f failure) {
	same, vain := c.confirms(f), c.vain()
	if same {
		c.blame.tries--
	}
	confirmed := same && c.blame.tries <= 0
	if c.doubt &^= certain; same && !confirmed {
		c.doubt |= certain
	}
	switch {
	case same && !confirmed:
		c.pace.failed(now, f.wait)
	case confirmed && c.asked == onward:
		c.startOver(now, unknownID)
	case confirmed, vain:
		if c.asked == again {
			c.progress.lately, c.step = lately{}, -1 // it cannot be asked for, and is the first question no more
		}
		c.drop()
		c.pace.soon(now)
	case c.doubt&asking != 0:
		if f.refusal == nil || !c.feed.circuit.open || c.failures%placeTries == 0 {
			c.doubt &^= asking // it may be newcomers alone that get no answer
		}
	case c.misplaced(now, f):
		c.doubt |= asking
		c.blame = blameFor(c.asked, f)
		if f.refusal != nil {
			c.pace.soon(now)
		}
	}
}

// wavers is asking, for a poller that does not hold the feed's lock.
func (c *chain) wavers() bool {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	return c.doubt&asking != 0
}

// confirms reports whether a failure is the one that a newcomer's poll has not met. Any other says
// nothing of the position.
func (c *chain) confirms(f failure) bool {
	return c.doubt&certain != 0 && c.blame.asked == c.asked && c.blame.kind == f.kind
}

// vain reports whether a question that failed is one that a newcomer's poll has no answer to, while the
// upstream may well answer those from the position: only such a poll can tell.
func (c *chain) vain() bool {
	return c.asked == anew && c.doubt&owed != 0 && c.doubt&asking == 0 &&
		(!c.feed.circuit.open || c.failures%placeTries == 0)
}

// misplaced reports whether it is time to ask if only the position is at fault. One that has
// been answered before is doubted only where the upstream refuses it; and at once where that
// would end all streams if it were not for the position, or where nothing but a check depends on it.
func (c *chain) misplaced(now time.Time, f failure) bool {
	switch refused := f.refusal != nil; {
	case !c.blamesID():
		return false
	case c.asked != onward && f.comment == unreachable: // hardly for what it asks
		return c.failures%(3*placeTries) == 0
	case c.asked != onward:
		return refused || c.failures%placeTries == 0
	case !c.progress.placed && refused && c.feed.health.first():
		return true
	case refused && final(f.refusal.Status) && c.disputable(now):
		return true
	case c.progress.placed && !refused:
		return false
	}
	return c.misses%placeTries == 0
}

// settle takes an answer that ends a doubt, or shows that the upstream has started over. It
// reports whether the answer has served that purpose alone.
func (c *chain) settle(p page.Page, now time.Time) bool {
	confirming := c.doubt&certain != 0 && c.asked == c.blame.asked
	if confirming {
		c.doubt &^= certain
	}
	switch {
	case c.feed.config.Document && c.asked == anew: // it is the same to whoever asks
		return c.checkedDocument(p, now)
	case c.doubt&asking != 0:
		c.doubt, c.passed = c.doubt&^asking|certain, true
		c.goOn(now, p)
		return true
	case c.asked != onward:
		c.learn(p, now)
		return true
	case p.Reset && !c.progress.at.IsZero():
		c.startOverAgain(now, ordered, p.Wait)
		return true
	case p.Restarted:
		c.startOverAgain(now, restarted, p.Wait)
		return true
	case confirming && c.doubt&owed != 0: // it was asked before its turn
		c.goOn(now, p)
		return true
	case c.doubt&unsure != 0 && len(p.Events) > 0 && c.feed.config.Document:
		c.doubt &^= unsure // it came with the cursor
	case c.doubt&unsure != 0 && len(p.Events) > 0:
		c.owe()
		c.doubt |= unsure
		c.goOn(now, p)
		return true
	}
	switch config := c.feed.config; {
	case config.ByID && !c.progress.placed && len(p.Events) == 0: // what is numbered from 1 again looks like what was sent long ago
		c.owe()
	case config.Document && config.LongPoll && p.Status == 0 && len(p.Events) == 0: // held to the end of its time, maybe for a cursor of before a restart
		c.owe()
	}
	return false
}
