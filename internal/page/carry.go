package page

import (
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// What is held back of pages is bounded: a position may come from a client that has made it up.
const (
	maxCarried      = 100     // pages
	maxCarriedBytes = 1 << 20 // of answers with items
)

// Carry is the search for a position that goes on in the next page. A position within a page counts its
// items; a page that is shorter than that when it is read again, and goes on in another one, has either
// been cut anew, and the position is further on; or it has lost items at its front, and what is left of it
// may be new. What tells is whether the fingerprint of the position comes. Until then the items are held back.
//
// A Carry is immutable: an answer that is none leaves it as it was.
type Carry struct {
	// From is the border that the next page begins at: where the next poll asks.
	From position.Position

	at     position.Position // what is looked for, and where the readers stand
	seeker seeker
	held   []Event
	bytes  int // of the answers that held shares memory with
	pages  int
}

// Settle returns the page of a search that has come to its end without a match: what was held back is
// sent, since a repeat is better than a loss. Behind a start cursor nobody knows what came before it.
func (c *Carry) Settle() Page {
	return Page{News: true, Events: c.held, Next: c.From, Lost: c.at.Cursor.IsZero()}
}

// seeking returns what looks for the position of the poll in the page of a cursor; ok is false where
// there is nothing to look for.
func (rd *reading) seeking() (s seeker, ok bool) {
	switch {
	case rd.reader.document || rd.reader.source != fromValues:
		return seeker{}, false
	case rd.carry != nil:
		return rd.carry.seeker, true
	}
	return newSeeker(rd.from), rd.from.Done > 0
}

// goesOn reports whether a search that has not found anything on a page goes on in the next one.
func (rd *reading) goesOn(s seeker, moved bool) bool {
	if !rd.carries || rd.last || !moved || s.vague || s.count >= s.done || s.done > decode.MaxItems {
		return false
	}
	return rd.carry == nil || rd.carry.pages < maxCarried && rd.carry.bytes+rd.size() <= maxCarriedBytes
}

// size returns how many bytes the events of the answer share memory with.
func (rd *reading) size() int {
	if rd.made != nil {
		return rd.made.size
	}
	return len(rd.body.text)
}

// hold returns the page of a search that goes on behind some events, at the border next.
func (rd *reading) hold(s seeker, events []Event, next position.Position) Page {
	c := &Carry{From: next, at: rd.from, seeker: s, held: events, pages: 1}
	if old := rd.carry; old != nil {
		c.at, c.held, c.bytes, c.pages = old.at, slices.Concat(old.held, events), old.bytes, old.pages+1
	}
	if len(events) > 0 {
		c.bytes += rd.size()
	}
	return Page{News: true, More: true, Next: c.at, Carry: c}
}
