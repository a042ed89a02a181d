package page

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// item is one raw item of a page.
type item struct {
	raw  []byte     // its JSON, or the whole body; nil for what a program made, until it is needed
	id   string     // empty where it has none
	made *jq.Output // what a program made, or nil

	json bool // raw is JSON
}

// events reads the answer as a page of items, oldest first.
func (a *answer) events() (Page, error) {
	items, err := a.items()
	if err != nil {
		return Page{}, unreadable("%w", err)
	}
	if len(items) == 0 {
		p := a.empty()
		p.Itemless, p.Empty = a.itemless, !a.itemless
		return p, nil
	}
	if err := a.reader.sort(items); err != nil {
		return Page{}, unreadable("%w", err)
	}
	w := a.walk(items)
	before := a.resume(w)
	w.skip(before.skipped)
	p := Page{Next: a.from, Lost: before.lost, Events: make([]Event, 0, len(items)-before.done)}
	if w.repeats {
		p.Repeats = a.reader.config.ID.String()
	}
	types := map[string]string{} // of events, by what they are called: one string for all of a type
	data, ignored := 0, false    // events for which the data path found something; an item was ignored
	for i := range items[before.skipped:] {
		it := &items[before.skipped+i]
		p.Next = w.next()
		if before.skipped+i < before.done {
			continue
		}
		a.env.Item = it.raw
		if len(a.reader.config.Ignore) > 0 {
			if a.env.Item = it.text(); a.ignored(it) {
				ignored = true
				continue
			}
		}
		e := Event{Type: a.reader.config.EventDefault, At: p.Next, Key: it.id}
		if t := a.eventOf(it); present(t) {
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
		case a.reader.config.Data.IsZero():
			e.Data = a.plain(it.raw)
		default:
			e.Data = a.lookIn(it, a.reader.config.Data)
		}
		if e.Data != nil {
			data++
		}
		p.Events = append(p.Events, e)
	}
	a.env.Item = nil
	if before.open.count > 0 {
		return a.hold(before.open, p.Events, p.Next), nil
	}
	if a.carry != nil && !before.found {
		p.Events = slices.Concat(a.carry.held, p.Events)
	}
	if data == 0 && len(p.Events) > 1 && a.from.IsZero() {
		return Page{}, unreadable("data path %s found nothing in any item", a.reader.config.Data)
	}
	p.News = a.carry != nil || len(p.Events) > 0 || !p.Next.Cursor.Equal(a.from.Cursor) || ignored && p.Next.ID() != a.from.ID()
	p.Stuck = !p.News && !ignored && a.reader.config.Order == ""
	if !p.News {
		p.Next = a.from
	}
	return p, nil
}

// plain returns the data of an item for which none is configured: the item as it is, but a
// JSON string without its quotes.
func (a *answer) plain(raw []byte) []byte {
	if !a.body.json || a.body.raw || len(raw) < 2 || raw[0] != '"' {
		return raw
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return []byte(gjson.ParseBytes(raw).Str)
}

// eventOf returns what an item says that its event is called.
func (a *answer) eventOf(it *item) []byte {
	if it.made != nil {
		return []byte(it.made.Event)
	}
	return a.lookIn(it, a.reader.config.Event)
}

// lookIn looks v up in an item.
func (a *answer) lookIn(it *item, v value.Value) []byte {
	if v.IsZero() || !it.json && v.NeedsJSON() {
		return nil
	}
	return v.Get(it.raw, a.env)
}

// items returns the items of the page as they stand there, with their ids.
func (a *answer) items() ([]item, error) {
	if a.made != nil {
		return a.made.items, nil
	}
	items, err := a.split()
	if err != nil || a.reader.config.ID.IsZero() {
		return items, err
	}
	var ids []byte // of all items, for one string that all share
	ends := make([]int, len(items))
	for i := range items {
		it := &items[i]
		a.env.Item = it.raw
		if id := a.lookIn(it, a.reader.config.ID); present(id) {
			ids = append(ids, id...)
		}
		ends[i] = len(ids)
	}
	a.env.Item = nil
	all, start := string(ids), 0
	for i, end := range ends {
		items[i].id = all[start:end]
		start = end
	}
	return items, nil
}

// split splits the body into its items.
func (a *answer) split() ([]item, error) {
	if a.reader.config.Format == Lines {
		return a.lines()
	}
	if !a.body.json || a.body.raw {
		return []item{{raw: a.body.text, json: a.body.json}}, nil
	}
	found := a.reader.config.Items.Get(a.body.text)
	if !found.Exists() || found.Type == gjson.Null {
		a.itemless = !found.Exists()
		return nil, nil
	}
	raw := bytesOf(found, a.body.text)
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
		items = append(items, item{raw: raw[start:end:end], json: true})
		return true
	})
	return items, err
}

// lines splits the body into its lines. Some logs write each as JSON.
func (a *answer) lines() ([]item, error) {
	lines, err := decode.Lines(a.body.text, a.reader.config.Separator)
	items := make([]item, len(lines))
	for i, line := range lines {
		items[i] = item{raw: line, json: a.reader.itemJSON && value.ValidJSON(line)}
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
