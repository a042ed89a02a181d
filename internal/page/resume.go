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

// walk returns a walk through items, as from the beginning of the page that the poll asked for.
func (rd *reading) walk(items []item) *walk {
	w := &walk{items: items, border: rd.border(rd.from.Cursor), sent: !rd.reader.config.Unsent, last: -1}
	if rd.reader.source == fromEachItem {
		w.each = rd.after(items)
		return w
	}
	if rd.reader.source != fromItems {
		w.end = rd.border(rd.cursor())
		w.moved = !w.end.Cursor.Equal(rd.from.Cursor)
		if rd.reader.Counts() {
			w.done = rd.from.Done
		} else {
			w.content = rd.reader.source == fromValidators
		}
		return w
	}
	if w.record = rd.record; w.record {
		w.done = rd.from.Done
	}
	w.ids, w.numbers = make(position.Cursor, len(items)), rd.reader.config.Order == ByID
	ascend, newest := true, integer{}
	for i := range items {
		if w.ids[i] = items[i].id; w.ids[i] != "" {
			id := w.key(w.ids[i])
			ascend = ascend && (w.last < 0 || newest.compare(id) < 0)
			w.last, newest = i, id
		}
	}
	if !ascend {
		w.findPlaces()
	}
	return w
}

// resume finds out which items of a page came before the position of the poll.
func (rd *reading) resume(w *walk) came {
	switch {
	case rd.record && w.ids != nil:
		return rd.repeated(w)
	case rd.reader.messages || rd.reader.config.Once:
		return came{}
	}
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
		return came{lost: rd.carry.lost || rd.carry.at.Cursor.IsZero()}
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
		return came{skipped: n, done: done, lost: n == 0 && rd.reader.config.overlaps()} // it does not reach back to the cursor
	}
	first := slices.IndexFunc(w.items, func(it item) bool { return it.id == cursor })
	expected := rd.reader.config.overlaps() || rd.reader.config.Order == NewestFirst && rd.reader.config.Unsent
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
