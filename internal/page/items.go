package page

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// events reads the answer as a page of items, oldest first.
func (rd *reading) events() (Page, error) {
	items, err := rd.items()
	if err != nil {
		return Page{}, unreadable("%w", err)
	}
	if len(items) == 0 {
		p := rd.empty()
		p.Itemless, p.Empty = rd.itemless, !rd.itemless
		return p, nil
	}
	if err := oldestFirst(items, &rd.reader.config); err != nil {
		return Page{}, unreadable("%w", err)
	}
	if rd.fresh && rd.below(items) {
		return Page{Restarted: true, Next: rd.from}, nil
	}
	if rd.reader.source == fromEachItem {
		if items, err = rd.unsent(items); err != nil {
			return Page{}, unreadable("%w", err)
		}
		if len(items) == 0 {
			return Page{Next: rd.from}, nil
		}
	}
	w := rd.walk(items)
	before := rd.resume(w)
	w.skip(before.skipped)
	rd.within = before.done > before.skipped || before.found
	p := Page{Next: rd.from, Lost: before.lost, Skipped: before.done, Events: make([]Event, 0, len(items)-before.done)}
	if w.repeats {
		p.Repeats = rd.reader.config.ID.String()
	}
	types := map[string]string{} // of events, by what they are called: one string for all of a type
	data, ignored := 0, false    // events for which the data path found something; an item was ignored
	for i := range items[before.skipped:] {
		it := &items[before.skipped+i]
		p.Next = w.next()
		if before.skipped+i < before.done {
			continue
		}
		if len(rd.reader.config.Follow) > 0 {
			rd.taken = append(rd.taken, it)
		}
		rd.env.Item = it.raw
		if len(rd.reader.config.Ignore) > 0 {
			if rd.env.Item = it.text(); rd.ignored(it) {
				ignored = true
				continue
			}
		}
		e := Event{Type: rd.reader.config.EventDefault, At: p.Next, Key: it.id}
		if t := rd.eventOf(it); present(t) {
			known, ok := types[string(t)]
			if !ok {
				name := string(t)
				known = typeOf(name)
				types[name] = known
			}
			e.Type = known
		}
		switch {
		case it.made != nil:
			e.Data = it.made.Data
		case rd.reader.config.Data.IsZero():
			e.Data = rd.plain(it.raw)
		default:
			e.Data = rd.lookIn(it, rd.reader.config.Data)
		}
		if e.Data != nil {
			data++
		}
		p.Events = append(p.Events, e)
	}
	rd.env.Item = nil
	if rd.reader.messages && len(p.Events) == 0 && p.Next.Cursor.Equal(rd.from.Cursor) { // nobody can ask for what comes after it
		p.Next = rd.from
	}
	if rd.reader.config.Once && len(p.Events) == 0 { // a sign of life, which need not be all there is
		p.Next, p.More, ignored = rd.from, !rd.last, false
	}
	if before.open.count > 0 {
		return rd.hold(before.open, p.Events, p.Next), nil
	}
	if rd.carry != nil && !before.found {
		p.Events = slices.Concat(rd.carry.held, p.Events)
	}
	if data == 0 && len(p.Events) > 1 && rd.from.IsZero() && !rd.reader.config.Once {
		return Page{}, unreadable("data path %s found nothing in any item", rd.reader.config.Data)
	}
	p.News = rd.carry != nil || len(p.Events) > 0 || !p.Next.Cursor.Equal(rd.from.Cursor) || ignored && p.Next.ID() != rd.from.ID()
	p.Stuck = !p.News && !ignored && !rd.reader.config.Once && !rd.reader.config.Unsent && rd.reader.config.Order == ""
	if !p.News {
		p.Next = rd.from
	}
	return p, nil
}

// plain returns the data of an item for which none is configured: the item as it is, but a
// JSON string without its quotes.
func (rd *reading) plain(raw []byte) []byte {
	if !rd.body.json || rd.body.raw || len(raw) < 2 || raw[0] != '"' {
		return raw
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return []byte(gjson.ParseBytes(raw).Str)
}

// eventOf returns what an item says that its event is called.
func (rd *reading) eventOf(it *item) []byte {
	if it.made != nil {
		return []byte(it.made.Event)
	}
	return rd.lookIn(it, rd.reader.config.Event)
}

// lookIn looks v up in an item.
func (rd *reading) lookIn(it *item, v value.Value) []byte {
	if v.IsZero() || !it.json && v.NeedsJSON() {
		return nil
	}
	return v.Get(it.raw, rd.env)
}

// items returns the items of the page as they stand there, with their ids.
func (rd *reading) items() ([]item, error) {
	if rd.made != nil {
		return rd.made.items, nil
	}
	items, err := rd.split()
	if err != nil || rd.reader.config.ID.IsZero() {
		return items, err
	}
	var ids []byte // of all items, for one string that all share
	ends := make([]int, len(items))
	for i := range items {
		it := &items[i]
		rd.env.Item = it.raw
		if id := rd.lookIn(it, rd.reader.config.ID); present(id) {
			ids = append(ids, id...)
		}
		ends[i] = len(ids)
	}
	rd.env.Item = nil
	rd.idless = len(items) > 0 && len(ids) == 0
	all, start := string(ids), 0
	for i, end := range ends {
		items[i].id = all[start:end]
		start = end
	}
	return items, nil
}

// split splits the body into its items.
func (rd *reading) split() ([]item, error) {
	if rd.reader.config.Format == Lines && !rd.record {
		return rd.lines()
	}
	if !rd.body.json || rd.body.raw && !rd.record || rd.reader.whole {
		return []item{{raw: rd.body.text, json: rd.body.json}}, nil
	}
	found := rd.reader.config.Items.Get(rd.body.text)
	if !found.Exists() || found.Type == gjson.Null {
		rd.itemless = !found.Exists()
		return nil, nil
	}
	raw := bytesOf(found, rd.body.text)
	if !found.IsArray() {
		return []item{{raw: raw, json: true}}, nil
	}
	var items []item
	var err error
	end := len("[") // of what was read of raw
	found.ForEach(func(_, v gjson.Result) bool {
		if len(items) == decode.MaxItems {
			err = decode.ErrTooManyItems
			return false
		}
		for raw[end] == ',' || strings.IndexByte(decode.Space, raw[end]) >= 0 {
			end++
		}
		start := end
		end += len(v.Raw)
		if items == nil { // as many as there are if all are as long as the first
			items = make([]item, 0, min(len(raw)/(len(v.Raw)+len(","))+1, decode.MaxItems))
		}
		items = append(items, item{raw: raw[start:end:end], json: true})
		return true
	})
	return items, err
}

// lines splits the body into its lines. Some logs write each as JSON.
func (rd *reading) lines() ([]item, error) {
	lines, err := decode.Lines(rd.body.text, rd.reader.config.Separator)
	items := make([]item, len(lines))
	for i, line := range lines {
		items[i] = item{raw: line, json: rd.reader.itemJSON && value.ValidJSON(line)}
	}
	return items, err
}

// bytesOf returns the bytes of what was found in text: a part of it, without a copy, unless
// gjson made them anew.
func bytesOf(found gjson.Result, text []byte) []byte {
	if i, n := found.Index, len(found.Raw); i+n <= len(text) && string(text[i:i+n]) == found.Raw {
		return text[i : i+n : i+n]
	}
	return []byte(strings.Trim(found.Raw, decode.Space))
}
