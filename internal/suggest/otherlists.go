package suggest

import (
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// listInText returns the list of a text in the answer that is JSON itself, as page methods of ASP.NET have it in `d`.
func listInText(body []byte) *list {
	for _, p := range shape.Scalars(shape.Places(body)) {
		text := []byte(p.Value.Str)
		if p.Value.Type != gjson.String || !value.ValidJSON(text) {
			continue
		}
		l := listOfObjects(text)
		if l == nil {
			continue
		}
		if p.Path += ".@fromstr"; l.path != "@this" {
			p.Path += "." + l.path
		}
		path, err := value.ParsePath(p.Path)
		if err != nil {
			continue
		}
		l.path, l.config.Items = p.Path, path
		return l
	}
	return nil
}

// columnNames are what the list of the names of columns is called that stands beside rows.
var columnNames = []string{"columns", "fields", "header", "headers", "cols", "names"}

// listOfRows returns the longest list of rows that have an id: the column that is called so, or numbers that grow or
// fall from row to row.
func listOfRows(body []byte) *list {
	places := shape.Lists(shape.Places(body))
	var best *list
	for _, p := range places {
		l := &list{path: p.Path, items: p.Value.Array()}
		path, err := value.ParsePath(p.Path)
		if err != nil || !areRows(l.items) || best != nil && len(l.items) <= len(best.items) {
			continue
		}
		l.config.Items = path
		if l.findColumn(namesOf(places, len(l.items[0].Array()))); l.id != "" {
			best = l
		}
	}
	return best
}

// areRows reports whether there are several lists that are equally long.
func areRows(items []gjson.Result) bool {
	return len(items) > 1 && !slices.ContainsFunc(items, func(it gjson.Result) bool {
		return !it.IsArray() || len(it.Array()) < 2 || len(it.Array()) != len(items[0].Array())
	})
}

// namesOf returns the names of so many columns, where the answer has them.
func namesOf(places []shape.Place, columns int) (names []string) {
	for _, p := range places {
		if all := p.Value.Array(); slices.Contains(columnNames, p.Key) && len(all) == columns {
			for _, name := range all {
				names = append(names, name.String())
			}
			return names
		}
	}
	return make([]string, columns)
}

// findColumn finds the column that identifies each row.
func (l *list) findColumn(names []string) {
	for i, name := range names {
		column := strconv.Itoa(i)
		if shape.CalledID(shape.Place{Key: name}) && l.identifies(column) {
			l.identify(column)
			return
		}
	}
	for i := range names {
		l.identify(strconv.Itoa(i))
		if o := l.order(); l.identifies(l.id) && o.byID {
			return
		}
	}
	l.identify()
}
