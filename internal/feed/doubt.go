package feed

import (
	"math/big"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// placeTries is how many polls may fail before a chain finds out whether it is its
// position that the upstream cannot answer.
const placeTries = 3

// doubt is whether a chain's position still means something to the upstream.
type doubt int

const (
	none doubt = iota
	// asking: polls from the position fail, and the next one is a newcomer's.
	asking
	// certain: a newcomer's poll was answered. One more from the position confirms that only the
	// position is at fault: the upstream may have recovered just between the two.
	certain
	// looking: the upstream was away, and a newcomer's poll finds out whether it counts from the
	// start again.
	looking
)

// newcomer reports whether the next poll is one without a position.
func (d doubt) newcomer() bool { return d == asking || d == looking }

// suspect takes note of a poll that failed.
func (c *chain) suspect(now time.Time, refusal *page.Refusal) {
	switch {
	case c.doubt == certain:
		c.startOver(now, unknownID)
	case c.doubt.newcomer():
		c.doubt = none
	case c.misplaced(now, refusal):
		c.doubt = asking
		if refusal != nil {
			c.pace.soon(now)
		}
	}
}

// misplaced reports whether it is time to ask if only the position is at fault. One that has
// been answered before is doubted only where the upstream refuses it; and at once where that
// would end all streams if it were not for the position.
func (c *chain) misplaced(now time.Time, refusal *page.Refusal) bool {
	switch {
	case c.at.IsZero():
		return false
	case !c.placed && refusal != nil && c.feed.health.first():
		return true
	case refusal != nil && final(refusal.Status) && c.disputable(now):
		return true
	case c.placed && refusal == nil:
		return false
	}
	return c.failures%placeTries == 0
}

// settle takes an answer that ends a doubt, or shows that the upstream has started over. It
// reports whether the answer has served that purpose alone.
func (c *chain) settle(p page.Page, now time.Time) bool {
	if c.failures > 0 {
		c.feed.outages++
	}
	switch {
	case c.doubt == asking:
		c.doubt = certain
		c.pace.soon(now)
		return true
	case c.doubt == looking:
		c.doubt = none
		if len(p.Events) > 0 && below(p.Next.Cursor, c.at.Cursor) {
			c.startOver(now, restarted)
		}
		c.pace.soon(now)
		return true
	case p.Reset && !c.at.IsZero():
		c.startOverAgain(now, ordered, p.Wait)
		return true
	case p.Restarted:
		c.startOverAgain(now, restarted, p.Wait)
		return true
	}
	c.doubt = none
	if !c.feed.config.ByID || c.at.IsZero() {
		return false
	}
	// what is numbered from 1 again looks like what was sent long ago
	unplaced := !c.placed && len(p.Events) == 0
	if unplaced || c.outages != c.feed.outages {
		c.outages, c.doubt = c.feed.outages, looking
	}
	return false
}

// below compares two cursors that are numbers.
func below(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	x, okX := new(big.Int).SetString(a[0], 10)
	y, okY := new(big.Int).SetString(b[0], 10)
	return okX && okY && x.Cmp(y) < 0
}
