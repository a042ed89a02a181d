package page

import "github.com/sse-bridge/caddy-sse-bridge/internal/position"

// walk goes through the items of a page, oldest first, and knows the position after each.
//
// A position is a border where the upstream's cursor says all of it: after an item by whose
// id the upstream can be asked, and after the last item of a page with a new cursor. Any
// other is a count of raw items since the border before it, with a fingerprint of these.
// Fingerprints begin anew at each border, since that is where the page begins when it is
// read again.
//
// An id that stands more than once on a page names no item, and an upstream that is asked by it may
// give any of them, or none. If all of these stand side by side, the position after the last of them
// counts from the first: it holds whether the page that follows begins behind them all or repeats them.
// If not, they count like items without an id. But where polls send the cursor, the last id of the page
// is one in any case: it has to move on.
//
// Validators say whether a list has changed, and not what of it is new. So none of its positions
// is a border: the last one has the new validators too, for the next poll.
//
// A message is all of its answer, and is never read again. Where it does not move the cursor, its position
// counts the messages since the border, over all their answers. Items without ids that come once are counted so too.
type walk struct {
	items   []item
	ids     position.Cursor  // of the items, one for all positions; nil if they are not the cursor
	numbers bool             // ids are integers, and 7 is 007; what is not above the cursor came before
	sent    bool             // polls send the cursor
	record  bool             // the items are of a record, behind others
	last    int              // the last item with an id; -1 for none
	places  map[integer]span // of the ids; nil if all are known to differ
	repeats bool             // some do not
	end     position.Position
	moved   bool // the page has a new cursor, which is end
	content bool // and it does not tell which items came before: only their fingerprints do

	each []position.Position // after each item; nil if that has to be found out

	border position.Position // the last one before at
	at     int               // how many items went by
	done   int               // of them, since border
	prints position.Prints   // of those
}

// span is where an id stands on a page.
type span struct{ first, last, times int }

// findPlaces notes where the ids stand.
func (w *walk) findPlaces() {
	w.places = make(map[integer]span, len(w.items))
	for i, it := range w.items {
		if it.id == "" {
			continue
		}
		key := w.key(it.id)
		s, again := w.places[key]
		if !again {
			s.first = i
		}
		s.last, s.times = i, s.times+1
		w.places[key] = s
		w.repeats = w.repeats || again
	}
}

// key returns what makes ids equal. Those that need not be integers are compared like some,
// by length and then by bytes, which is an order too.
func (w *walk) key(id string) integer {
	if w.numbers {
		n, _ := parseInteger(id)
		return n
	}
	return integer{digits: id}
}

// names reports whether the position after item i has that item's id for its cursor, and counts from
// which item.
func (w *walk) names(i int) (from int, ok bool) {
	id := w.items[i].id
	switch {
	case id == "":
		return 0, false
	case w.places == nil:
		return i, true
	}
	s := w.places[w.key(id)]
	if s.last != i {
		return 0, false
	}
	if w.numbers || w.record {
		return i, true
	}
	return s.first, s.times == s.last-s.first+1 || w.sent && i == w.last
}

// skip goes by items that the upstream would not give again to who asks from the position of the poll:
// up to the one by whose id the poll asked.
func (w *walk) skip(items int) { w.at = items }

// print returns the fingerprint of item i among those that come after another one.
func (w *walk) print(after, i int) (p position.Print) {
	var prints position.Prints
	for at := max(after+1, i-2); at <= i; at++ { // it is of three items
		p = prints.Next(w.items[at].text())
	}
	return p
}

// next goes on by an item and returns the position after it.
func (w *walk) next() position.Position {
	i := w.at
	w.at++
	if w.each != nil {
		return w.each[i]
	}
	if w.ids == nil {
		if w.moved && !w.content && i == len(w.items)-1 {
			return w.end
		}
	} else if from, ok := w.names(i); ok && !(w.record && len(w.border.Cursor) > 0 && w.border.Cursor[0] == w.items[i].id) {
		w.border.Cursor = w.ids[i : i+1 : i+1]
		w.done, w.prints = 0, position.Prints{}
		p := w.border
		if p.Done = i - from; p.Done > 0 {
			p.Print = w.print(from, i)
		}
		return p
	}
	w.done++
	p := w.border
	p.Done, p.Print = w.done, w.prints.Next(w.items[i].text())
	if w.content && i == len(w.items)-1 {
		p.Cursor = w.end.Cursor
	}
	return p
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
