package suggest

import (
	"bytes"
	"mime"
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
	id     string // the path to an item's id; empty where none was found
	config page.Config
}

// read finds out in which format the first answer is, and where its list is.
func (f *findings) read() {
	f.list, f.found = nil, explain(page.Config{}, f.first.Response)
	switch {
	case f.found.JSON && !f.isLines():
		f.list = bestList(f.found.Body)
	case f.reads(page.Config{Format: page.Feed}, "feed"):
	case f.reads(page.Config{Format: page.XML}, "xml"):
	case f.isLines():
		f.list = &list{format: []string{"lines"}, config: page.Config{Format: page.Lines}}
		f.list.items, _ = f.list.itemsOf(f.found, f.first.Body)
		f.list.findID()
	default:
		f.readTable()
	}
}

func explain(c page.Config, resp page.Response) page.Found {
	return page.NewReader(c).Explain(resp, nil)
}

// reads reads the answer as markup of a kind, and reports whether it is that.
func (f *findings) reads(c page.Config, format string) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(f.first.Body), []byte("<")) || f.found.Nature == "HTML" && format != "feed" && !f.isXML() {
		return false
	}
	found := explain(c, f.first.Response)
	if found.Err != nil || !found.JSON {
		return false
	}
	f.found, f.list = found, bestList(found.Body)
	if f.list == nil {
		f.list = &list{}
	}
	f.list.format, f.list.config.Format = []string{format}, c.Format
	if format == "feed" {
		f.list.path, f.list.config.Items = "", value.Path{}
		f.list.items, _ = f.list.itemsOf(found, nil)
		f.list.findID()
	}
	return true
}

func (f *findings) isXML() bool { return strings.Contains(f.contentType(), "xml") }

func (f *findings) contentType() string {
	kind, _, _ := mime.ParseMediaType(f.first.Header.Get("Content-Type"))
	return kind
}

// isLines reports whether each line of the answer is an object of its own.
func (f *findings) isLines() bool {
	n, kind := 0, f.contentType()
	for line := range bytes.Lines(f.first.Body) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] != '{' || !value.ValidJSON(line):
			return false
		default:
			n++
		}
	}
	return n > 1 || n == 1 && (strings.Contains(kind, "ndjson") || strings.Contains(kind, "jsonl") || strings.Contains(kind, "json-lines"))
}

// readTable reads the answer as a table, if it looks like one.
func (f *findings) readTable() {
	lines := strings.Split(strings.TrimSpace(string(f.first.Body)), "\n")
	declared := f.contentType() == "text/csv"
	for _, separator := range []string{",", ";", "\t", "|"} {
		n := strings.Count(lines[0], separator)
		if n == 0 || len(lines) < 2 || !declared && (n < 2 || slices.ContainsFunc(lines, func(l string) bool { return strings.Count(l, separator) < n })) {
			continue
		}
		c := page.Config{Format: page.CSV, Separator: separator, Header: named(lines[0], separator)}
		found := explain(c, f.first.Response)
		if found.Err != nil {
			continue
		}
		words := []string{"csv"}
		if c.Header {
			words = append(words, "header")
		}
		if separator != "," {
			words = append(words, strings.ReplaceAll(separator, "\t", `\t`))
		}
		f.found = found
		f.list = &list{format: words, config: c}
		f.list.items, _ = f.list.itemsOf(found, nil)
		f.list.findID()
		return
	}
}

// named reports whether the cells of a first row are names of columns.
func named(row, separator string) bool {
	cells := strings.Split(strings.ToLower(strings.TrimSpace(row)), separator)
	for _, cell := range cells {
		if cell = strings.Trim(cell, `" `); cell == "" || strings.Trim(cell, "0123456789.,:-+ ") == "" {
			return false
		}
	}
	slices.Sort(cells)
	return len(slices.Compact(cells)) == len(cells)
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
