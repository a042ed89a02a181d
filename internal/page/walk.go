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
type walk struct {
	items   []item
	ids     position.Cursor  // of the items, one for all positions; nil if they are not the cursor
	numbers bool             // ids are integers, and 7 is 007; what is not above the cursor came before
	sent    bool             // polls send the cursor
	last    int              // the last item with an id; -1 for none
	places  map[integer]span // of the ids; nil if all are known to differ
	repeats bool             // some do not
	end     position.Position
	moved   bool // the page has a new cursor, which is end
	content bool // and it does not tell which items came before: only their fingerprints do

	border position.Position // the last one before at
	at     int               // how many items went by
	done   int               // of them, since border
	prints position.Prints   // of those
}

// span is where an id stands on a page.
type span struct{ first, last, times int }

// walk returns a walk through items, as from the beginning of the page that the poll asked for.
func (rd *reading) walk(items []item) *walk {
	w := &walk{items: items, border: rd.border(rd.from.Cursor), sent: !rd.reader.config.Unsent, last: -1}
	if rd.reader.source != fromItems {
		w.end = rd.border(rd.cursor())
		w.moved = !w.end.Cursor.Equal(rd.from.Cursor)
		w.content = rd.reader.source == fromValidators && rd.reader.config.Format != Message
		return w
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
	if w.numbers {
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
	if w.ids == nil {
		if w.moved && !w.content && i == len(w.items)-1 {
			return w.end
		}
	} else if from, ok := w.names(i); ok {
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
