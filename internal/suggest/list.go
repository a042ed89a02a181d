package suggest

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// list is the list of an answer.
type list struct {
	format []string // the words of `format`; nil for JSON
	path   string   // to it; empty where the format says it
	items  []gjson.Result
	id     string // the path to an item's id; empty where none was found
	config page.Config
}

// explain says what an answer holds if it is read like that.
func explain(c page.Config, resp page.Response) page.Found {
	return page.NewReader(c).Explain(resp, nil)
}

// bestList returns the list of objects that has most of them, one with ids before all others.
func bestList(body []byte) *list {
	var best *list
	for _, p := range shape.Lists(shape.Places(body)) {
		l := &list{path: p.Path, items: p.Value.Array()}
		if len(l.items) == 0 || !l.items[0].IsObject() {
			continue
		}
		path, err := value.ParsePath(p.Path)
		if err != nil {
			continue
		}
		l.config.Items = path
		l.findID()
		if best == nil || best.id == "" && l.id != "" || (best.id == "") == (l.id == "") && len(l.items) > len(best.items) {
			best = l
		}
	}
	return best
}

// findID finds what identifies each item: it is in all of them, and no two have the same.
func (l *list) findID() {
	if len(l.items) == 0 || !l.items[0].IsObject() {
		return
	}
	places := shape.Scalars(shape.Places([]byte(l.items[0].Raw)))
	for {
		p, ok := shape.IDLike(places)
		if !ok {
			return
		}
		if l.identifies(p.Path) {
			l.id = p.Path
			return
		}
		places = slices.DeleteFunc(places, func(q shape.Place) bool { return q.Path == p.Path })
	}
}

func (l *list) identifies(path string) bool {
	seen := make(map[string]bool)
	for _, it := range l.items {
		id := it.Get(path)
		if !id.Exists() || id.String() == "" || seen[id.String()] {
			return false
		}
		seen[id.String()] = true
	}
	return true
}

// ids are those of the items, as they stand in the answer.
func (l *list) ids() []string {
	all := make([]string, len(l.items))
	for i, it := range l.items {
		id := it.Get(l.id)
		if all[i] = id.Raw; id.Type == gjson.String {
			all[i] = id.Str
		}
	}
	return all
}

// idsIn are the ids of the list in another answer; ok is false where it has no such list.
func (l *list) idsIn(resp page.Response) (ids []string, ok bool) {
	c := l.config
	id, err := value.Parse(l.id)
	if err != nil {
		return nil, false
	}
	c.ID = id
	found := explain(c, resp)
	if found.Err != nil || !found.JSON && c.Format != page.Lines {
		return nil, false
	}
	items, ok := l.itemsOf(found, resp.Body)
	return (&list{id: l.id, items: items}).ids(), ok
}

// itemsOf returns the items of the list in an answer; ok is false where it has no such list.
func (l *list) itemsOf(found page.Found, body []byte) (items []gjson.Result, ok bool) {
	switch l.config.Format {
	case page.Lines:
		for line := range bytes.Lines(body) {
			if value.ValidJSON(line) {
				items = append(items, gjson.ParseBytes(bytes.TrimSpace(line)))
			}
		}
		return items, true
	case page.Feed:
		return gjson.GetBytes(found.Body, "items").Array(), true
	case page.CSV:
		return gjson.ParseBytes(found.Body).Array(), true
	}
	at := l.config.Items.Get(found.Body)
	return at.Array(), at.IsArray()
}

var kind = regexp.MustCompile(`^[A-Za-z][\w.:/-]{0,60}$`)

// typeName finds what says of which kind an item is.
func (l *list) typeName() string {
	for _, name := range []string{"type", "event", "action", "kind", "eventType", "event_type"} {
		if !slices.ContainsFunc(l.items, func(it gjson.Result) bool {
			v := it.Get(name)
			return v.Type != gjson.String || !kind.MatchString(v.Str)
		}) {
			return name
		}
	}
	return ""
}
