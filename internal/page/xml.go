package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"math"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
)

// xmlToJSON returns an XML document as JSON, in the shape that github.com/clbanning/mxj made
// common: an element is a member of its parent's object by its local name, and elements of one
// name are an array. An element without attributes and children is its text, as a string; any
// other is an object, with "-" before the names of attributes and its text as "#text". White
// space around text is dropped, and numbers stay the text that they are.
//
//	<a n="1"><b>x</b><b/><c>1.10</c></a>   {"a":{"-n":"1","b":["x",""],"c":"1.10"}}
//
// It goes through the document once and builds no tree: a mxj.Map takes some thirty times the
// memory of the answer.
func xmlToJSON(text []byte, memory int) ([]byte, error) {
	switch {
	case decode.IsHTML(text):
		return nil, errors.New("HTML where XML was expected")
	case !bytes.HasPrefix(bytes.TrimLeft(text, decode.Space), []byte("<")):
		return nil, fmt.Errorf("%s where XML was expected", decode.Nature(text))
	}
	if err := scanMarkup(text, func(markupTag) {}); err != nil {
		return nil, err
	}
	w := newXMLWriter(len(text), memory)
	r := newXMLReader(text)
	switch err := r.copyTo(w); {
	case errors.Is(err, errXML):
		return nil, fmt.Errorf("XML that is broken or has entities of its own, on line %d", r.line())
	case err != nil:
		return nil, err
	}
	return w.end()
}

// xmlWriter writes the JSON of a document's elements while they come.
type xmlWriter struct {
	out output

	memory int // that everything here may take
	moves  int // how many bytes may still be moved to group elements
	open   []element
	depth  int  // of open: the rest is kept for its memory
	beside bool // there is text outside of the one element
}

// element is one that is open. The document itself is one too.
type element struct {
	name  xml.Name
	start int // where it begins in the output
	runs  []run
	text  []byte // of an element with runs, as in a JSON string
	size  int    // of the text, up to white space at its end
}

// run is a stretch of children of one name, which came one after the other.
type run struct {
	start, value, after uint32 // in the output: of its name, of its values and behind them
	next                uint32 // run of this name; 0 for none
	several             bool   // values
	linked              bool   // as the next of another
}

const runSize = 20

func newXMLWriter(size, memory int) *xmlWriter {
	w := &xmlWriter{out: newOutput(size, memory), memory: memory}
	w.out.limit = min(w.out.limit, math.MaxUint32)
	w.moves = 16 * w.out.limit
	w.push()
	return w
}

// afford returns an error if there is no memory for n more bytes.
func (w *xmlWriter) afford(n int, what string) error {
	if cap(w.out.text)+w.out.beside+n > w.memory {
		return fmt.Errorf("%s: reading it takes more than %d bytes: ask the upstream for less", what, w.memory)
	}
	return nil
}

func (w *xmlWriter) tag(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if err := w.member([]byte(t.Name.Local)); err != nil {
			return err
		}
		w.push()
		w.open[w.depth-1].name = t.Name
		for _, a := range t.Attr {
			if err := w.member([]byte("-" + a.Name.Local)); err != nil {
				return err
			}
			if err := w.out.string([]byte(a.Value)); err != nil {
				return err
			}
		}
		return nil
	case xml.EndElement:
		if w.depth == 1 || w.open[w.depth-1].name != t.Name {
			return errors.New("XML whose elements do not match")
		}
		return w.pop()
	}
	return errXML
}

// content writes a piece of an element's text: where its string will stand if it has nothing
// else, or else aside.
func (w *xmlWriter) content(text []byte) error {
	e := &w.open[w.depth-1]
	if e.size == 0 {
		text = bytes.TrimLeft(text, decode.Space)
	}
	if len(text) == 0 {
		return nil
	}
	if w.depth == 1 {
		w.beside = true
		return nil
	}
	bare := len(bytes.TrimRight(text, decode.Space))
	size := len(text) + escapesOf(text)
	if len(e.runs) > 0 {
		if err := w.aside(e, size); err != nil {
			return err
		}
		if bare > 0 {
			e.size = len(e.text) + bare + escapesOf(text[:bare])
		}
		e.text = appendEscaped(e.text, text)
		return nil
	}
	if err := w.out.reserve(size + len(`""`)); err != nil {
		return err
	}
	if e.size == 0 {
		w.out.text = append(w.out.text, '"')
	}
	if bare > 0 {
		e.size = len(w.out.text) - e.start - 1 + bare + escapesOf(text[:bare])
	}
	w.out.text = appendEscaped(w.out.text, text)
	return nil
}

// aside makes room for n bytes of text.
func (w *xmlWriter) aside(e *element, n int) error {
	if len(e.text)+n <= cap(e.text) {
		return nil
	}
	grown := max(len(e.text)+n, 2*len(e.text), 64)
	if err := w.afford(grown, "the text beside elements is too long"); err != nil {
		return err
	}
	w.out.beside += grown
	e.text = append(make([]byte, 0, grown), e.text...)
	return nil
}

// end returns the whole document.
func (w *xmlWriter) end() ([]byte, error) {
	if w.depth != 1 || len(w.open[0].runs) != 1 || w.open[0].runs[0].several || w.beside {
		return nil, errors.New("XML that ends early, or has something beside its one element")
	}
	w.closeRun()
	if err := w.out.byte('}'); err != nil {
		return nil, err
	}
	return w.out.text, nil
}

func (w *xmlWriter) push() {
	if w.depth == len(w.open) {
		w.open = append(w.open, element{})
	}
	e := &w.open[w.depth]
	e.start, e.runs, e.text, e.size = len(w.out.text), e.runs[:0], e.text[:0], 0
	w.depth++
}

// member begins the next child of the element that is open.
func (w *xmlWriter) member(name []byte) error {
	e := &w.open[w.depth-1]
	if err := w.out.reserve(len(name) + escapesOf(name) + len(`],"": `)); err != nil {
		return err
	}
	if n := len(e.runs); n > 0 && w.isCalled(e.runs[n-1], name) {
		e.runs[n-1].several = true
		w.out.text = append(w.out.text, ',')
		return nil
	}
	if len(e.runs) == 0 {
		if written := w.out.text[e.start:]; len(written) > 0 { // its text, which has a quote before it
			if err := w.aside(e, len(written)-1); err != nil {
				return err
			}
			e.text = append(e.text, written[1:]...)
			w.out.text = w.out.text[:e.start]
		}
		w.out.text = append(w.out.text, '{')
	} else {
		w.closeRun()
		w.out.text = append(w.out.text, ',')
	}
	if len(e.runs) == cap(e.runs) {
		grown := max(8, 2*len(e.runs))
		if err := w.afford(grown*runSize, "too many elements of different names stand side by side"); err != nil {
			return err
		}
		w.out.beside += grown * runSize
		e.runs = append(make([]run, 0, grown), e.runs...)
	}
	r := run{start: uint32(len(w.out.text))}
	w.out.text = append(appendString(w.out.text, name), ':', ' ') // room for a bracket
	r.value = uint32(len(w.out.text))
	e.runs = append(e.runs, r)
	return nil
}

// name returns the name of a run, as it is written.
func (w *xmlWriter) name(r run) []byte { return w.out.text[r.start+1 : r.value-uint32(len(`": `))] }

// isCalled reports whether that is a run of this name, which has no character that JSON escapes.
func (w *xmlWriter) isCalled(r run, name []byte) bool { return bytes.Equal(w.name(r), name) }

// closeRun ends the last run of the element that is open.
func (w *xmlWriter) closeRun() {
	e := &w.open[w.depth-1]
	r := &e.runs[len(e.runs)-1]
	r.after = uint32(len(w.out.text))
	if r.several {
		w.out.text[r.value-1] = '['
		w.out.text = append(w.out.text, ']')
	}
}

// pop ends the element that is open.
func (w *xmlWriter) pop() error {
	e := &w.open[w.depth-1]
	if len(e.runs) == 0 {
		if err := w.out.reserve(len(`""`)); err != nil {
			return err
		}
		if e.size == 0 {
			w.out.text = append(w.out.text, '"')
		}
		w.out.text = append(w.out.text[:e.start+1+e.size], '"')
	} else {
		if e.size > 0 {
			if err := w.member([]byte("#text")); err != nil {
				return err
			}
			if err := w.out.reserve(e.size + len(`""]}`)); err != nil {
				return err
			}
			w.out.text = append(w.out.text, '"')
			w.out.text = append(w.out.text, e.text[:e.size]...)
			w.out.text = append(w.out.text, '"')
		}
		if err := w.out.reserve(len(`]}`)); err != nil {
			return err
		}
		w.closeRun()
		if err := w.group(); err != nil {
			return err
		}
		w.out.text = append(w.out.text, '}')
	}
	w.depth--
	return nil
}
