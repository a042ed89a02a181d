package suggest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

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
	id     string   // what `id` is to be; empty where nothing was found
	parts  []string // the paths of which that is made
	config page.Config
	mapped bool // it is an object of objects, whose order says nothing
}

// explain says what an answer holds if it is read like that.
func explain(c page.Config, resp page.Response) page.Found {
	return page.NewReader(c).Explain(resp, nil)
}

// bestList returns the list of an answer: of objects, also in a text or as the members of an object, or of rows; nil if there is none.
func bestList(body []byte) *list {
	for _, find := range []func([]byte) *list{listOfObjects, bestMap, listInText, listOfRows} {
		if l := find(body); l != nil {
			return l
		}
	}
	return nil
}

// listOfObjects returns the list of objects that has most of them, one with ids before all others.
func listOfObjects(body []byte) *list {
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

// bestMap returns the object of objects that has most of them, if these are alike and have ids of their own: the names
// by which they stand there are not in them.
func bestMap(body []byte) *list {
	root := shape.Place{Value: gjson.ParseBytes(body)}
	var best *list
	for _, p := range append([]shape.Place{root}, shape.Places(body)...) {
		if !alike(p.Value) || best != nil && len(p.Value.Map()) <= len(best.items) {
			continue
		}
		l := &list{path: strings.TrimPrefix(p.Path+".@values", "."), mapped: true}
		path, err := value.ParsePath(l.path)
		if err != nil {
			continue
		}
		l.config.Items, l.items = path, path.Get(body).Array()
		if l.findKey([]*list{l}); l.id != "" {
			best = l
		}
	}
	return best
}

// alike reports whether a value is an object of objects, of which most members have the same names.
func alike(v gjson.Result) bool {
	if !v.IsObject() {
		return false
	}
	members := v.Map()
	names := make(map[string]int)
	for _, m := range members {
		if !m.IsObject() {
			return false
		}
		for name := range m.Map() {
			names[name]++
		}
	}
	common := 0
	for _, n := range names {
		if n == len(members) {
			common++
		}
	}
	return len(members) > 1 && common > 1 && 2*common >= len(names)
}

// findID finds what identifies each item: it is in all of them, and no two have the same. Of what only ends like an
// id, a number that grows or falls from item to item is one before all others. The only item of a list shows nothing
// of that: there, only what is called an id is one.
func (l *list) findID() {
	if len(l.items) == 0 || !l.items[0].IsObject() {
		return
	}
	var likely []string
	for _, p := range shape.IDs(shape.Scalars(shape.Places([]byte(l.items[0].Raw)))) {
		switch {
		case !l.identifies(p.Path):
		case shape.CalledID(p):
			l.identify(p.Path)
			return
		case len(l.items) > 1:
			likely = append(likely, p.Path)
		}
	}
	for _, path := range likely {
		l.identify(path)
		if o := l.order(); o.byID {
			return
		}
	}
	if len(likely) > 0 {
		l.identify(likely[0])
	}
}

// identify makes what is at these paths the id of an item.
func (l *list) identify(paths ...string) {
	if l.id, l.parts = "", paths; len(paths) == 0 {
		return
	}
	if l.id = paths[0]; len(paths) > 1 {
		l.id = "{sse.item." + strings.Join(paths, "}/{sse.item.") + "}"
	}
}

// identifies reports whether each item has an id of its own there.
func (l *list) identifies(paths ...string) bool {
	seen := make(map[string]bool)
	for _, it := range l.items {
		id := idOf(it, paths)
		if id == "" || seen[id] {
			return false
		}
		seen[id] = true
	}
	return len(l.items) > 0
}

// idOf is the id of an item, as it stands in the answer; empty if a part of it is missing.
func idOf(item gjson.Result, paths []string) string {
	var all []string
	for _, path := range paths {
		part := item
		if path != "@this" {
			part = item.Get(path)
		}
		text := part.Raw
		if part.Type == gjson.String {
			text = part.Str
		}
		if text == "" || part.Type == gjson.Null || part.IsObject() || part.IsArray() {
			return ""
		}
		all = append(all, text)
	}
	return strings.Join(all, "/")
}

// ids are those of the items, as they stand in the answer.
func (l *list) ids() []string {
	all := make([]string, len(l.items))
	for i, it := range l.items {
		all[i] = idOf(it, l.parts)
	}
	return all
}

// in is the same list in another answer; ok is false where it has none.
func (l *list) in(resp page.Response) (other *list, ok bool) {
	found := explain(l.config, resp)
	if found.Err != nil || !found.JSON && l.config.Format != page.Lines {
		return nil, false
	}
	c := *l
	c.items, ok = l.itemsOf(found, resp.Body)
	return &c, ok
}

// idsIn are the ids of the list in another answer; ok is false where it has no such list.
func (l *list) idsIn(resp page.Response) (ids []string, ok bool) {
	other, ok := l.in(resp)
	if !ok {
		return nil, false
	}
	return other.ids(), true
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

// kinds is how many kinds of items there are.
func (l *list) kinds() int {
	name, kinds := l.typeName(), make(map[string]bool)
	if name == "" {
		return 0
	}
	for _, it := range l.items {
		kinds[it.Get(name).Str] = true
	}
	return len(kinds)
}
