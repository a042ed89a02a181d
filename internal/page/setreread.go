package page

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// An answer that lists the same as the one before, but for some items, is read with its help: an item that stands
// there with the same bytes is neither checked, nor looked into, nor hashed. What comes out is what comes out without
// that. Where this is not certain, nothing comes out, and the answer is read as a whole.

// maxNew is the share of an answer that may be new since one was last read as a whole. The items that stay share
// memory with that one, and those that are new are copied.
const maxNew = 4

// longestLead is how many bytes before a list are looked for at most where they no longer stand at the same place.
const longestLead = 64

// listing is where an answer has the list of a set.
type listing struct {
	first  int    // of its items among those of the set
	lead   []byte // what stands before the first item: the bracket, and the key before; nil: there is no list
	start  int    // of the first item: the place behind the bracket
	copied int    // bytes of items that were copied, since an answer was read as a whole
}

// leadOf returns what stands before a place, the one behind the bracket of a list.
func leadOf(text []byte, start int) []byte {
	lead := text[max(start-longestLead, 0):start]
	return bytes.Clone(lead[bytes.LastIndexAny(lead[:len(lead)-1], "{[,")+1:])
}

// known is the set before, and which of its answers is read anew.
type known struct {
	set  *Set
	page int
}

// fits reports whether answers to a reader can be read with the help of that set.
func (k known) fits(r *Reader) bool {
	return k.set != nil && k.set.key != "" && k.set.reader == r && k.page < len(k.set.listings)
}

// items returns how many items the answer had.
func (k known) items() int {
	end := len(k.set.elements)
	if next := k.page + 1; next < len(k.set.listings) {
		end = k.set.listings[next].first
	}
	return end - k.set.listings[k.page].first
}

// rereadSet reads a text with the help of the set before. It returns nil where the text has to be read as a whole.
// Otherwise the text is valid JSON.
func rereadSet(r *Reader, text []byte, before known) *Set {
	l := before.set.listings[before.page]
	if l.lead == nil {
		return nil
	}
	for _, start := range [...]int{l.start, bytes.Index(text, l.lead) + len(l.lead)} {
		if start > len(text) || !bytes.HasSuffix(text[:start], l.lead) {
			continue
		}
		w := rereader{reader: r, before: before.set, text: text, at: start, next: l.first}
		w.elements = make([]*element, 0, before.items()+before.items()/16)
		w.rd = &reading{reader: r, env: new(value.Env), body: body{json: true}}
		w.limit = len(text)/maxNew - l.copied
		if !w.list() || !encloses(r, text, start, w.at) {
			return nil
		}
		s := w.set()
		if s != nil {
			s.listings = []listing{{lead: leadOf(text, start), start: start, copied: l.copied + w.copied}}
		}
		return s
	}
	return nil
}

// encloses reports whether a text is valid JSON whose items path finds a list, if what is between two places
// are the items of one. That is so if it holds without these, because of what is before it alone does a path depend that
// has only keys.
func encloses(r *Reader, text []byte, start, end int) bool {
	around := slices.Concat(text[:start], text[end:])
	if !value.ValidJSON(around) {
		return false
	}
	found := r.config.Items.Get(around)
	return found.Index == start-1 && found.Raw == "[]"
}

// rereader reads a list with the help of the set before.
type rereader struct {
	reader *Reader
	rd     *reading // that looks into new items
	before *Set
	text   []byte
	at     int // in text
	next   int // of the items before: the one that is expected at that place

	elements      []*element
	copied, limit int
}

// list reads the items up to the bracket that closes the list; at is its place then.
func (w *rereader) list() bool {
	for {
		w.space()
		e := w.element()
		if e == nil || len(w.elements) == decode.MaxItems {
			return false
		}
		w.elements = append(w.elements, e)
		w.space()
		if w.at == len(w.text) {
			return false
		}
		switch w.text[w.at] {
		case ',':
			w.at++
		case ']':
			return true
		default:
			return false
		}
	}
}

// element reads one item; nil: the text has to be read as a whole.
func (w *rereader) element() *element {
	if w.next < len(w.before.elements) {
		old := w.before.elements[w.next]
		if rest := w.text[w.at:]; len(rest) > len(old.raw) && endsValue(rest[len(old.raw)]) && string(rest[:len(old.raw)]) == string(old.raw) {
			w.at += len(old.raw)
			w.next++
			return old
		}
	}
	raw := firstValue(w.text[w.at:])
	w.at += len(raw)
	depth, _ := w.reader.config.Items.Keys()
	if len(raw) == 0 || !value.ValidJSONWithin(raw, depth+1) {
		return nil
	}
	w.rd.env.Item = raw
	id := w.rd.lookIn(&item{raw: raw, json: true}, w.reader.config.ID)
	if at, ok := w.before.places[string(id)]; ok {
		old := w.before.elements[at]
		w.next = at + 1
		if string(old.raw) == string(raw) { // it has moved
			return old
		}
	}
	if w.copied += len(raw); w.copied > w.limit {
		return nil
	}
	it := item{raw: bytes.Clone(raw), json: true}
	if present(id) {
		it.id = string(id)
	}
	e := w.rd.element(&it)
	if e.id == "" && !e.ignored {
		return nil
	}
	return &e
}

// set returns the set of the items; nil where they are none.
func (w *rereader) set() *Set {
	s := &Set{elements: w.elements, reader: w.reader}
	if !slices.ContainsFunc(s.elements, func(e *element) bool { return e.ignored || !e.dataless }) {
		return nil
	}
	if slices.EqualFunc(s.elements, w.before.elements, func(a, b *element) bool { return a.id == b.id && a.ignored == b.ignored }) {
		s.places, s.borrowed = w.before.places, true
		return s
	}
	s.elements, s.places = s.elements[:0], make(map[string]int, len(w.elements))
	for _, e := range w.elements {
		if s.put(e, "") != nil {
			return nil
		}
	}
	return s
}

func (w *rereader) space() {
	for w.at < len(w.text) && strings.IndexByte(decode.Space, w.text[w.at]) >= 0 {
		w.at++
	}
}

// endsValue reports whether a byte can stand behind a value in an array.
func endsValue(c byte) bool { return c == ',' || c == ']' || strings.IndexByte(decode.Space, c) >= 0 }

// firstValue returns the value that text begins with, if it is valid JSON.
func firstValue(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	switch text[0] {
	case '{', '[':
		depth := 0
		for i, c := range value.Structure(text) {
			switch c {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return text[:i+1]
				}
			}
		}
		return nil
	case '"':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return text[:i+1]
			}
		}
		return nil
	}
	end := bytes.IndexAny(text, decode.Space+",]")
	if end < 0 {
		return nil
	}
	return text[:end]
}
