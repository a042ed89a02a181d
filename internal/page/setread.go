package page

import (
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// set reads the answer as a set of items, or as a page of one.
func (rd *reading) set() (Page, error) {
	s := rd.body.set
	if s == nil {
		var err error
		if s, err = rd.readSet(); err != nil {
			return Page{}, unreadable("%w", err)
		}
	}
	s.size = rd.size()
	return Page{
		News: true, Events: []Event{{Type: Snapshot}}, Set: s,
		Next: rd.border(rd.cursor()), Validators: rd.validators(),
	}, nil
}

// readSet reads the answer without the help of one before.
func (rd *reading) readSet() (*Set, error) {
	var items []item
	var err error
	if rd.made != nil || len(rd.body.text) > 0 {
		items, err = rd.items()
	}
	switch {
	case err != nil:
		return nil, err
	case rd.itemless:
		return nil, fmt.Errorf("items %s found no list: with `diff items` an answer without its list is an error, and an empty list is an empty set", rd.reader.config.Items)
	}
	s := &Set{elements: make([]*element, 0, len(items)), places: make(map[string]int, len(items)), reader: rd.reader}
	elements := make([]element, len(items))
	found := len(items) == 0
	for i := range items {
		it, e := &items[i], &elements[i]
		*e = rd.element(it)
		found = found || !e.dataless
		switch {
		case e.ignored:
		case e.id == "" && !rd.reader.keyedByLine():
			return nil, fmt.Errorf("id %s found nothing in item %d of %d: each item of a set needs an id", rd.reader.config.ID, i+1, len(items))
		case it.made != nil && it.made.Event != "":
			return nil, fmt.Errorf("jq: item %d of %d has an event: the types are fixed with `diff items`, so yield {id, data}", i+1, len(items))
		}
		if err := s.put(e, rd.reader.idName()); err != nil {
			return nil, err
		}
	}
	rd.env.Item = nil
	if !found {
		return nil, fmt.Errorf("data path %s found nothing in any item", rd.reader.config.Data)
	}
	if rd.reader.rereads {
		s.listings = []listing{rd.listing(s)}
	}
	return s, nil
}

var null = []byte("null")

// element returns what an item is in a set.
func (rd *reading) element(it *item) element {
	rd.env.Item = it.raw
	e := element{id: it.id, raw: it.raw}
	if rd.reader.keyedByLine() {
		e.id = string(it.raw)
	}
	if len(rd.reader.config.Ignore) > 0 {
		rd.env.Item = it.text()
		if e.ignored = rd.ignored(it); e.ignored {
			return e
		}
	}
	if e.data = rd.elementData(it); e.data == nil {
		e.data, e.dataless = null, true
	}
	return e
}

// elementData returns the data of an item as JSON, or nil where the data path finds nothing.
func (rd *reading) elementData(it *item) []byte {
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

// listing returns where the list of an answer stands that was read as a whole.
func (rd *reading) listing(s *Set) listing {
	found := rd.reader.config.Items.Get(rd.body.text)
	if len(s.elements) == 0 || !found.IsArray() {
		return listing{}
	}
	return listing{lead: leadOf(rd.body.text, found.Index+1), start: found.Index + 1}
}
