package page

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// document reads the whole answer as one event.
func (a *answer) document() (Page, error) {
	r := a.reader
	data := a.body.text
	if !r.config.Data.IsZero() {
		if data = a.look(r.config.Data, a.body.text); data == nil {
			return Page{}, unreadable("data path %s found nothing", r.config.Data)
		}
	}
	typ := r.config.EventDefault
	if t := a.look(r.config.Event, a.body.text); present(t) {
		typ = typeOf(string(t))
	}
	key := data
	if a.body.json && value.ValidJSON(data) { // a path may find a string, which is without its quotes here
		key = canonicalHash(data)
	}
	return Page{
		News:       true,
		Events:     []Event{{Type: typ, Data: data, Key: position.Hash(typ, key)}},
		Next:       a.border(a.cursor()),
		Validators: validators(a.header),
	}, nil
}
