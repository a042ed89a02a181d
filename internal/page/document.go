package page

import (
	"errors"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// whole makes JSON of an answer that is a document in a format of its own: of what the program makes, or, of
// text, an array of its lines. It returns false where the program makes none.
func (rd *reading) whole() (made bool, err error) {
	r := rd.reader
	switch {
	case rd.made != nil && len(rd.made.items) == 0:
		return false, nil
	case rd.made != nil && len(rd.made.items) > 1:
		return false, fmt.Errorf("jq: it makes %d items, and a document is one: put them into one array, as in {data: [...]}", len(rd.made.items))
	case rd.made != nil && rd.made.items[0].made.Event != "":
		return false, errors.New("jq: the document has an event: the types are fixed with `diff`, so yield {data}")
	case rd.made != nil:
		rd.body = body{text: rd.elementData(&rd.made.items[0]), json: true}
	case r.config.Whole && (r.config.Format == Lines || r.config.Format == Text):
		lines, err := decode.Lines(rd.body.text, r.config.Separator)
		if err != nil {
			return false, fmt.Errorf("reading the lines of a document: %w", err)
		}
		s := Set{elements: make([]*element, len(lines))}
		for i, line := range lines {
			if r.config.Format == Text {
				s.elements[i] = &element{data: decode.AppendString(nil, line)}
			} else {
				s.elements[i] = &element{data: lineJSON(line)}
			}
		}
		rd.body = body{text: s.Snapshot().Data, json: true}
	default:
		return true, nil
	}
	rd.env.Body = rd.body.text
	return true, nil
}

// document reads the whole answer as one event.
func (rd *reading) document() (Page, error) {
	r := rd.reader
	switch made, err := rd.whole(); {
	case err != nil:
		return Page{}, unreadable("%w", err)
	case !made:
		return rd.empty(), nil
	}
	data, dataless := rd.body.text, false
	if !r.config.Data.IsZero() {
		switch data = rd.look(r.config.Data, rd.body.text); {
		case data == nil && !rd.body.json:
			return Page{}, unreadable("data path %s found nothing", r.config.Data)
		case data == nil && !r.config.Unsent: // nothing is new since the cursor
			p := rd.empty()
			p.Dataless = true
			return p, nil
		case data == nil: // what is gone from a document is news, too
			data, dataless = []byte("null"), true
		}
	}
	typ := r.config.EventDefault
	if t := rd.look(r.config.Event, rd.body.text); present(t) {
		typ = typeOf(string(t))
	}
	key := data
	if rd.body.json && value.ValidJSON(data) { // a path may find a string, which is without its quotes here
		key = canonicalHash(data)
	}
	return Page{
		News:       true,
		Events:     []Event{{Type: typ, Data: data, Key: position.Hash(typ, key)}},
		Next:       rd.border(rd.cursor()),
		Validators: rd.validators(),
		Dataless:   dataless,
	}, nil
}
