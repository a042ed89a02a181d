package page

import (
	"maps"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxTypes bounds the types of events that a [Found] names.
const maxTypes = 8

// Found is what the configured paths find in one answer, whatever becomes of it.
type Found struct {
	Body   []byte // decoded: in UTF-8, and JSON if the format makes it so
	JSON   bool   // Body is valid JSON
	Nature string // what a Body is that is no JSON: "HTML", "text", …
	Err    error  // why the answer is not in its format

	Items       int      // how many there are; a document has none
	Item        []byte   // the first of them
	IDs         int      // of how many an id was found
	Keys        []string // the ids in the order in which the items go out, where ids are the cursor; of whole answers
	First, Last string   // the ids of the first and the last item, as they stand in the answer
	Repeated    string   // the first id that several items have, where ids are the cursor
	Times       int      // how many have that one
	Types       []string
	Data        int // in how many items, or in the document, the data path found something
	Ignored     int
	Passed      bool // the answer is passed over as a whole, whatever is in it

	Cursor map[string]string // what was found of each cursor, by its name
	Holds  []string          // the conditions that hold, with the names of their fields
}

// explain says what is found in an answer.
func explain(rd *reading) (f Found) {
	r, b := rd.reader, rd.body
	f = Found{Body: b.text, JSON: b.json, Err: b.err, Passed: rd.passedOver(), Cursor: make(map[string]string)}
	if f.Passed {
		defer func() { f.Ignored = max(f.Ignored, 1) }()
	}
	if !b.json {
		f.Nature = b.nature()
	}
	for _, c := range []struct {
		name       string
		conditions []value.Condition
	}{{"more", r.config.More}, {"fail", r.config.Fail}, {"gap", r.config.Gap}, {"reopen", r.config.Reopen}, {"reset", r.config.Reset}, {"end", r.config.End}} {
		for _, condition := range c.conditions {
			if rd.holds([]value.Condition{condition}) {
				f.Holds = append(f.Holds, c.name+" "+condition.String())
			}
		}
	}
	if !r.config.Program.IsZero() && f.Err == nil {
		made, err := rd.run()
		if err != nil {
			f.Err = err
			return f
		}
		rd.made = made
	}
	if r.source == fromValues {
		for i, text := range rd.cursor() {
			if text != "" {
				f.Cursor[r.names[i]] = text
			}
		}
	}
	switch {
	case b.empty() || f.Err != nil:
	case r.document:
		f.count(rd, &item{raw: b.text, json: b.json})
	default:
		f.countItems(rd)
	}
	return f
}

// countItems notes what the paths find in the items.
func (f *Found) countItems(rd *reading) {
	if !rd.body.json && rd.reader.needsJSON {
		return // there is nothing that the paths could look at
	}
	items, err := rd.items()
	if err != nil {
		f.Err = err
		return
	}
	f.Items = len(items)
	if rd.reader.source == fromItems {
		f.repeated(items)
		f.Keys = rd.keys(items)
	}
	for i := range items {
		it := &items[i]
		if i == 0 {
			f.Item, f.First = it.text(), it.id
		}
		if f.Last = it.id; it.id != "" {
			f.IDs++
		}
		f.count(rd, it)
	}
}

// keys returns the ids of items, in the order in which they go out; nil if that cannot be told.
func (rd *reading) keys(items []item) []string {
	sorted := slices.Clone(items)
	if oldestFirst(sorted, &rd.reader.config) != nil {
		return nil
	}
	all := make([]string, len(sorted))
	for i := range sorted {
		all[i] = sorted[i].id
	}
	return all
}

// join adds what is found in another record.
func (f *Found) join(g Found) {
	if f.JSON && !g.JSON {
		f.JSON, f.Nature = false, g.Nature
	}
	if f.Err == nil {
		f.Err = g.Err
	}
	if f.Items == 0 {
		f.Item, f.First = g.Item, g.First
	}
	if g.Items > 0 {
		f.Last = g.Last
	}
	f.Items, f.IDs, f.Data, f.Ignored = f.Items+g.Items, f.IDs+g.IDs, f.Data+g.Data, f.Ignored+g.Ignored
	f.Passed = f.Passed && g.Passed
	for _, t := range g.Types {
		if len(f.Types) < maxTypes && !slices.Contains(f.Types, t) {
			f.Types = append(f.Types, t)
		}
	}
	maps.Copy(f.Cursor, g.Cursor)
	for _, condition := range g.Holds {
		if !slices.Contains(f.Holds, condition) {
			f.Holds = append(f.Holds, condition)
		}
	}
}

// repeated notes the first id that several items have.
func (f *Found) repeated(items []item) {
	times := make(map[string]int, len(items))
	for _, it := range items {
		times[it.id]++
	}
	for _, it := range items {
		if n := times[it.id]; n > 1 && it.id != "" {
			f.Repeated, f.Times = it.id, n
			return
		}
	}
}

// count notes what the paths find in an item, or in a document.
func (f *Found) count(rd *reading, it *item) {
	rd.env.Item = it.text()
	if rd.ignored(it) {
		f.Ignored++
	}
	if rd.reader.config.Data.IsZero() || rd.lookIn(it, rd.reader.config.Data) != nil {
		f.Data++
	}
	if t := rd.eventOf(it); present(t) && len(f.Types) < maxTypes && !slices.Contains(f.Types, string(t)) {
		f.Types = append(f.Types, string(t))
	}
	rd.env.Item = nil
}
