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
// Validators say whether a list has changed, and not what of it is new. So none of its positions
// is a border: the last one has the new validators too, for the next poll.
type walk struct {
	items   []item
	ids     position.Cursor // of the items, one for all positions; nil if they are not the cursor
	numbers bool            // ids are integers, and 7 is 007
	latest  map[integer]int // where an id stands last; nil if all are known to differ
	end     position.Position
	moved   bool // the page has a new cursor, which is end
	content bool // and it does not tell which items came before: only their fingerprints do

	border position.Position // the last one before at
	at     int               // how many items went by
	done   int               // of them, since border
	prints position.Prints   // of those
}

// walk returns a walk through items, which begin right after the position of the poll, but
// for what that has done.
func (a *answer) walk(items []item) *walk {
	w := &walk{items: items, border: a.border(a.from.Cursor)}
	if a.reader.source != fromItems {
		w.end = a.border(a.cursor())
		w.moved = !w.end.Cursor.Equal(a.from.Cursor)
		w.content = a.reader.source == fromValidators && a.reader.format != Message
		return w
	}
	w.ids, w.numbers = make(position.Cursor, len(items)), a.reader.order == ByID
	ascend, seen, newest := true, false, integer{}
	for i, it := range items {
		if w.ids[i] = it.id; it.id != "" {
			id := w.key(it.id)
			ascend = ascend && (!seen || newest.compare(id) < 0)
			seen, newest = true, id
		}
	}
	if !ascend {
		w.latest = make(map[integer]int, len(items))
		for i, it := range items {
			w.latest[w.key(it.id)] = i
		}
	}
	return w
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

// isBorder reports whether the position after item i is a border. Of items with equal ids,
// only the last is followed by one: whoever asks by that id gets none of them.
func (w *walk) isBorder(i int) bool {
	if w.ids == nil {
		return w.moved && !w.content && i == len(w.items)-1
	}
	id := w.items[i].id
	return id != "" && (w.latest == nil || w.latest[w.key(id)] == i)
}

// resume returns how many items the position from, within this page, has done. Only those
// up to the first item with an id of its own can be meant. If none is found, nothing is done: a
// repeat is better than a loss.
func (w *walk) resume(from position.Position) (done int, found bool) {
	if from.Done == 0 {
		return 0, true
	}
	s := newSeeker(from)
	for i := range w.items {
		if s.next(w.items[i].raw) || w.ids != nil && w.isBorder(i) {
			break
		}
	}
	if !s.found() {
		return 0, false
	}
	return s.best, true
}

// next goes on by an item and returns the position after it.
func (w *walk) next() position.Position {
	i := w.at
	w.at++
	if w.isBorder(i) {
		if w.ids == nil {
			return w.end
		}
		w.border.Cursor = w.ids[i : i+1 : i+1]
		w.done, w.prints = 0, position.Prints{}
		return w.border
	}
	w.done++
	p := w.border
	p.Done, p.Print = w.done, w.prints.Next(w.items[i].raw)
	if w.content && i == len(w.items)-1 {
		p.Cursor = w.end.Cursor
	}
	return p
}
