package page

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// document reads the whole answer as one event.
func (rd *reading) document() (Page, error) {
	r := rd.reader
	data := rd.body.text
	if !r.config.Data.IsZero() {
		if data = rd.look(r.config.Data, rd.body.text); data == nil {
			return Page{}, unreadable("data path %s found nothing", r.config.Data)
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
		Validators: validators(rd.header),
	}, nil
}
