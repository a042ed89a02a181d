package page

import (
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// set reads the answer as a set of items, or as a page of one.
func (rd *reading) set() (Page, error) {
	var items []item
	var err error
	if rd.made != nil || len(rd.body.text) > 0 {
		items, err = rd.items()
	}
	switch {
	case err != nil:
		return Page{}, unreadable("%w", err)
	case rd.itemless:
		return Page{}, unreadable("items %s found no list: with `diff items` an answer without its list is an error, and an empty list is an empty set", rd.reader.config.Items)
	}
	s := &Set{elements: make([]element, 0, len(items)), places: make(map[string]int, len(items)), size: rd.size()}
	found := len(items) == 0
	for i := range items {
		it := &items[i]
		rd.env.Item = it.raw
		if len(rd.reader.config.Ignore) > 0 {
			if rd.env.Item = it.text(); rd.ignored(it) {
				found = true
				continue
			}
		}
		data := rd.element(it)
		if found = found || data != nil; data == nil {
			data = null
		}
		e := element{id: it.id, data: data}
		if rd.reader.keyedByLine() {
			e.id = string(it.raw)
		}
		switch {
		case e.id == "" && !rd.reader.keyedByLine():
			err = fmt.Errorf("id %s found nothing in item %d of %d: each item of a set needs an id", rd.reader.config.ID, i+1, len(items))
		case it.made != nil && it.made.Event != "":
			err = fmt.Errorf("jq: item %d of %d has an event: the types are fixed with `diff items`, so yield {id, data}", i+1, len(items))
		default:
			err = s.put(e, rd.reader.idName())
		}
		if err != nil {
			return Page{}, unreadable("%w", err)
		}
	}
	rd.env.Item = nil
	if !found {
		return Page{}, unreadable("data path %s found nothing in any item", rd.reader.config.Data)
	}
	return Page{
		News: true, Events: []Event{{Type: Snapshot}}, Set: s,
		Next: rd.border(rd.cursor()), Validators: validators(rd.header),
	}, nil
}

var null = []byte("null")

// element returns the data of an item as JSON, or nil where the data path finds nothing.
func (rd *reading) element(it *item) []byte {
	config := &rd.reader.config
	switch {
	case it.made != nil && it.made.Text:
		return decode.AppendString(nil, it.made.Data)
	case it.made != nil:
		return it.made.Data
	case config.Data.IsZero() && config.Format == Lines:
		return lineJSON(it.raw)
	case config.Data.IsZero():
		return it.raw
	case !it.json && config.Data.NeedsJSON():
		return nil
	}
	data, json := config.Data.Raw(it.raw, rd.env)
	if data == nil || json || value.ValidJSON(data) {
		return data
	}
	return decode.AppendString(nil, data)
}

// lineJSON returns a line as it is if it is an object or array of JSON, and else as a JSON string.
func lineJSON(line []byte) []byte {
	if len(line) > 0 && (line[0] == '{' || line[0] == '[') && value.ValidJSON(line) {
		return line
	}
	return decode.AppendString(make([]byte, 0, decode.StringSize(line)), line)
}
