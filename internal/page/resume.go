package page

import (
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// came says which items of a page came before.
type came struct {
	skipped int  // the first items of the page, that no position after the poll's counts
	done    int  // all that came before, those included
	lost    bool // what is between the position and the page cannot be known

	open  seeker // which has gone by all items, and goes on in the next page; the zero one if all is decided
	found bool   // of what was carried here, all came before
}

// resume finds out which items of a page came before the position of the poll.
func (rd *reading) resume(w *walk) came {
	if w.ids != nil && !rd.from.Cursor.IsZero() {
		return rd.resumeAtID(w)
	}
	if s, seeks := rd.seeking(); seeks {
		return rd.resumeOn(w, s)
	}
	done, found := w.seek(rd.from, 0, len(w.items))
	return came{done: done, lost: !found && (rd.from.Cursor.IsZero() || w.content)}
}

// resumeOn is resume where the search goes on from page to page.
func (rd *reading) resumeOn(w *walk, s seeker) came {
	before := s.count
	for i := range w.items {
		if s.next(w.items[i].text()) {
			break
		}
	}
	switch {
	case s.found():
		return came{done: s.best - before, found: true}
	case rd.goesOn(s, w.moved):
		return came{open: s}
	case rd.carry != nil:
		return came{lost: rd.carry.at.Cursor.IsZero()}
	}
	return came{lost: rd.from.Cursor.IsZero()}
}

// resumeAtID is resume where the cursor is the id of an item, which the page may repeat.
func (rd *reading) resumeAtID(w *walk) (c came) {
	cursor := rd.from.Cursor[0]
	if w.numbers {
		n := 0
		if at, ok := parseInteger(cursor); ok { // else the upstream may know better: a repeat is better than a loss
			n = slices.IndexFunc(w.items, func(it item) bool { id, _ := parseInteger(it.id); return id.compare(at) > 0 })
		}
		if n < 0 {
			n = len(w.items)
		}
		done, _ := w.seek(rd.from, n, w.reach(n, ""))
		return came{skipped: n, done: done}
	}
	first := slices.IndexFunc(w.items, func(it item) bool { return it.id == cursor })
	expected := rd.reader.config.Order == Overlap || rd.reader.config.Order == NewestFirst && rd.reader.config.Unsent
	if first < 0 {
		done, found := w.seek(rd.from, 0, w.reach(0, ""))
		return came{done: done, lost: expected && (rd.from.Done == 0 || !found)}
	}
	c, found := w.seekBehindID(rd.from, first)
	switch {
	case found, !expected && !w.isRepeated(cursor):
		return c
	case expected: // what has the id may be another item than the one that had it
		return came{lost: true}
	}
	return came{skipped: first, done: first}
}

// seekBehindID is seek where the cursor's id stands on the page, first at that item. Where it stands
// there more than once, the position may count from any of these.
func (w *walk) seekBehindID(from position.Position, first int) (c came, found bool) {
	cursor, behind := from.Cursor[0], first+1
	if from.Done == 0 || !w.isRepeated(cursor) {
		done, found := w.seek(from, behind, w.reach(behind, cursor))
		return came{skipped: behind, done: done}, found
	}
	for i, it := range w.items[:max(len(w.items)-from.Done, 0)] {
		if at := i + from.Done; it.id == cursor && w.print(i, at) == from.Print {
			return came{skipped: behind, done: at + 1}, true
		}
	}
	// items may have gone that stood there before, the first one of the id among them
	last := w.places[w.key(cursor)].last + 1
	for _, start := range [...]int{behind, first, last} {
		if done, found := w.seek(from, start, w.reach(start, cursor)); found {
			return came{skipped: behind, done: max(done, behind)}, true
		}
	}
	return came{}, false
}

// isRepeated reports whether an id stands more than once on the page.
func (w *walk) isRepeated(id string) bool { return w.repeats && w.places[w.key(id)].times > 1 }

// reach returns the end of the items that a position can mean which counts from the item at start:
// behind all of the cursor's id, up to the first that names a position of its own.
func (w *walk) reach(start int, cursor string) int {
	if cursor != "" && w.isRepeated(cursor) {
		start = max(start, w.places[w.key(cursor)].last+1)
	}
	for i := start; i < len(w.items); i++ {
		if _, ok := w.names(i); ok {
			return i + 1
		}
	}
	return len(w.items)
}

// seek looks for a position that counts from the item at start, and returns where the items begin
// that come after it. If it is not found, nothing came before: a repeat is better than a loss.
func (w *walk) seek(from position.Position, start, end int) (done int, found bool) {
	if from.Done == 0 {
		return start, true
	}
	s := newSeeker(from)
	s.reach = end - start
	for i := start; i < len(w.items); i++ {
		if s.next(w.items[i].text()) {
			break
		}
	}
	if !s.found() {
		return start, false
	}
	return start + s.best, true
}
