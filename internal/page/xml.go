package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxRuns bounds the changes of name among the children of the elements that are open, so that
// what is noted of them stays small beside the answer.
const maxRuns = 100_000

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
func xmlToJSON(text []byte) ([]byte, error) {
	switch {
	case isHTML(text):
		return nil, errors.New("HTML where XML was expected")
	case !bytes.HasPrefix(bytes.TrimLeft(text, jsonSpace), []byte("<")):
		return nil, fmt.Errorf("%s where XML was expected", body{text: text}.nature())
	}
	if err := boundMarkup(text, 0); err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Entity = xml.HTMLEntity // each is a character or two; a document's own are never expanded
	w := xmlWriter{out: make([]byte, 0, len(text)), limit: maxExpanded(len(text)), moves: 16 * maxExpanded(len(text))}
	w.push()
	for {
		token, err := d.RawToken()
		if err == nil {
			err = w.write(token)
		}
		switch syntax := (*xml.SyntaxError)(nil); {
		case errors.Is(err, io.EOF):
			return w.end()
		case errors.As(err, &syntax): // its words may be the upstream's
			return nil, fmt.Errorf("XML that is broken or has entities of its own, on line %d", syntax.Line)
		case err != nil:
			return nil, err
		}
	}
}

// xmlWriter writes the JSON of a document's elements while they come.
type xmlWriter struct {
	out   []byte
	limit int // of out
	open  []element
	runs  int // of all that are open
	moves int // how many bytes may still be moved to group elements
	depth int // of open: the rest is kept for its memory
}

// element is one that is open. The document itself is one too.
type element struct {
	name  xml.Name
	start int // where it begins in out
	runs  []run
	text  []byte
}

// run is a stretch of children of one name, which came one after the other.
type run struct {
	name                string
	start, value, after int // in out: of its name, of its values and behind them
	count               int
}

func (w *xmlWriter) write(token xml.Token) error {
	top := &w.open[w.depth-1]
	switch t := token.(type) {
	case xml.StartElement:
		if err := w.member(t.Name.Local); err != nil {
			return err
		}
		w.push()
		w.open[w.depth-1].name = t.Name
		for _, a := range t.Attr {
			if err := w.member("-" + a.Name.Local); err != nil {
				return err
			}
			w.out = appendString(w.out, []byte(a.Value))
		}
	case xml.EndElement:
		if w.depth == 1 || top.name != t.Name {
			return errors.New("XML whose elements do not match")
		}
		if err := w.pop(); err != nil {
			return err
		}
	case xml.CharData:
		top.text = append(top.text, t...)
	}
	if len(w.out) > w.limit {
		return fmt.Errorf("the answer is longer than %d bytes as JSON", w.limit)
	}
	return nil
}

// end returns the whole document.
func (w *xmlWriter) end() ([]byte, error) {
	if w.depth != 1 || len(w.open[0].runs) != 1 || w.open[0].runs[0].count != 1 || len(bytes.Trim(w.open[0].text, jsonSpace)) > 0 {
		return nil, errors.New("XML that ends early, or has something beside its one element")
	}
	w.closeRun()
	return append(w.out, '}'), nil
}

func (w *xmlWriter) push() {
	if w.depth == len(w.open) {
		w.open = append(w.open, element{})
	}
	e := &w.open[w.depth]
	e.start, e.runs, e.text = len(w.out), e.runs[:0], e.text[:0]
	w.depth++
}

// member begins the next child of the element that is open.
func (w *xmlWriter) member(name string) error {
	e := &w.open[w.depth-1]
	if n := len(e.runs); n > 0 && e.runs[n-1].name == name {
		e.runs[n-1].count++
		w.out = append(w.out, ',')
		return nil
	}
	if w.runs++; w.runs > maxRuns {
		return fmt.Errorf("the names of elements change more than %d times within others", maxRuns)
	}
	if len(e.runs) == 0 {
		w.out = append(w.out, '{')
	} else {
		w.closeRun()
		w.out = append(w.out, ',')
	}
	r := run{name: name, start: len(w.out), count: 1}
	w.out = append(appendString(w.out, []byte(name)), ':', ' ') // room for a bracket
	r.value = len(w.out)
	e.runs = append(e.runs, r)
	return nil
}

// closeRun ends the last run of the element that is open.
func (w *xmlWriter) closeRun() {
	e := &w.open[w.depth-1]
	r := &e.runs[len(e.runs)-1]
	r.after = len(w.out)
	if r.count > 1 {
		w.out[r.value-1] = '['
		w.out = append(w.out, ']')
	}
}

// pop ends the element that is open.
func (w *xmlWriter) pop() error {
	e := &w.open[w.depth-1]
	text := bytes.Trim(e.text, jsonSpace)
	if len(e.runs) == 0 {
		w.out = appendString(w.out, text)
	} else {
		if len(text) > 0 {
			if err := w.member("#text"); err != nil {
				return err
			}
			w.out = appendString(w.out, text)
		}
		w.closeRun()
		if w.group(); w.moves < 0 {
			return errors.New("elements of one name stand apart at too many levels")
		}
		w.out = append(w.out, '}')
	}
	w.runs -= len(e.runs)
	w.depth--
	return nil
}

// group puts runs of one name together that others stand between.
func (w *xmlWriter) group() {
	e := &w.open[w.depth-1]
	same := make(map[string][]int, min(len(e.runs), 16))
	var names []string
	for i, r := range e.runs {
		if same[r.name] == nil {
			names = append(names, r.name)
		}
		same[r.name] = append(same[r.name], i)
	}
	if len(names) == len(e.runs) {
		return
	}
	w.moves -= len(w.out) - e.start
	grouped := make([]byte, 0, len(w.out)-e.start+2*len(names))
	for i, name := range names {
		if i > 0 {
			grouped = append(grouped, ',')
		}
		first := e.runs[same[name][0]]
		grouped = append(grouped, w.out[first.start:first.value-1]...)
		several := len(same[name]) > 1 || first.count > 1
		if several {
			grouped = append(grouped, '[')
		}
		for j, k := range same[name] {
			if j > 0 {
				grouped = append(grouped, ',')
			}
			grouped = append(grouped, w.out[e.runs[k].value:e.runs[k].after]...)
		}
		if several {
			grouped = append(grouped, ']')
		}
	}
	w.out = append(w.out[:e.start+1], grouped...)
}
