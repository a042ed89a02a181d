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

// seeking returns what looks for the position of the poll in the page of a cursor; ok is false where
// there is nothing to look for.
func (rd *reading) seeking() (s seeker, ok bool) {
	switch {
	case rd.reader.document || rd.reader.messages || rd.reader.config.Once || rd.reader.source != fromValues:
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
	c := &Carry{From: next, at: rd.from, seeker: s, held: events, lost: rd.gapes(), pages: 1}
	if old := rd.carry; old != nil {
		c.at, c.held, c.bytes, c.pages = old.at, slices.Concat(old.held, events), old.bytes, old.pages+1
		c.lost = c.lost || old.lost
	}
	if len(events) > 0 {
		c.bytes += rd.size()
	}
	return Page{News: true, More: true, Next: c.at, Carry: c}
}
