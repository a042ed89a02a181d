package page

import (
	"encoding/json"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// document reads the whole answer as one event.
func (a *answer) document() (Page, error) {
	r := a.reader
	data := a.body.text
	if !r.data.IsZero() {
		if data = a.look(r.data, a.body.text); data == nil {
			return Page{}, unreadable(a.wait, "data path %s found nothing", r.data)
		}
	}
	typ := r.eventDefault
	if t := a.look(r.event, a.body.text); present(t) {
		typ = string(t)
	}
	key := data
	if a.body.json {
		key = canonical(data)
	}
	return Page{
		News:       true,
		Events:     []Event{{Type: typ, Data: data, Key: position.Hash(typ, key)}},
		Next:       a.border(a.cursor()),
		Validators: validators(a.header),
		Wait:       a.wait,
	}, nil
}

// canonical returns the same bytes for equal JSON: without white space, with sorted keys,
// numbers as they are written (1.10 is not 1.1). What is no JSON stays as it is.
func canonical(data []byte) []byte {
	if !value.ValidJSON(data) {
		return data
	}
	v, err := decodeAsWritten(data)
	if err != nil {
		return data
	}
	out, err := json.Marshal(v)
	if err != nil {
		return data
	}
	return out
}
