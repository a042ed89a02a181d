package page

import (
	"math"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// seeker looks for a place within a page, which a position says by how many items are done and by
// the fingerprint of the last of them. Equal items have equal fingerprints, and a log may well say the
// same three times. So of several places the one at the count is meant; else the page has lost items
// at its front, and it is the nearest before the count; else it has got some there, and it is the one
// behind the count. Where there are several of those, each may say the same by accident, and none is
// meant: a repeat is better than a loss.
type seeker struct {
	done   int            // of the position
	print  position.Print // of the position
	reach  int            // how many items can be meant, beside the one at the count
	prints position.Prints
	count  int  // items that went by
	best   int  // the count at the best place so far; 0 for none
	vague  bool // there are several places, all behind the count
}

func newSeeker(at position.Position) seeker {
	return seeker{done: at.Done, print: at.Print, reach: math.MaxInt}
}

// next goes by an item. It reports whether no item that follows can be a better place.
func (s *seeker) next(raw []byte) (settled bool) {
	s.count++
	if s.prints.Next(raw) == s.print && (s.count <= s.reach || s.count == s.done) {
		switch {
		case s.count <= s.done || s.best == 0:
			s.best = s.count
		default:
			s.vague = true
		}
	}
	over := s.count >= s.done
	return s.vague || over && (s.best > 0 && s.best <= s.done || s.count >= s.reach)
}

// found reports whether there was a place: behind as many items as best says.
func (s *seeker) found() bool { return s.best > 0 && !s.vague }
