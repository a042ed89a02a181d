package trial

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// maxNamed is how many fields are named that change each time.
const maxNamed = 5

// alwaysNews finds out whether each poll is news because of a clock or a counter in it: of a document; or of a list
// without ids, whose items are known by what they are.
type alwaysNews struct {
	before   []page.Event
	compared int      // with the answer before
	paths    []string // in which all of these differ
	same     bool     // a field has stayed the same, in a list
	sometime bool     // one was no news, or cannot be compared
}

// note takes an answer.
func (n *alwaysNews) note(t Tried) {
	if t.Stream || n.sometime {
		return
	}
	news, before := t.Page.Events, n.before
	if n.before = news; len(before) == 0 && n.compared == 0 {
		return
	}
	known := t.Document || t.Config.ID.IsZero() && len(t.Config.Cursors) == 0 && len(news) == t.Found.Items
	if !t.News || !known || len(news) == 0 || len(news) != len(before) || len(news[0].Data) == 0 {
		n.sometime = true
		return
	}
	var changed []string
	for i := range news {
		for _, path := range shape.Changes(before[i].Data, news[i].Data) {
			if !slices.Contains(changed, path) {
				changed = append(changed, path)
			}
		}
	}
	n.same = t.Document || len(changed) < len(shape.Scalars(shape.Places(news[0].Data)))
	if n.compared++; n.compared == 1 {
		n.paths = changed
	} else {
		n.paths = slices.DeleteFunc(n.paths, func(path string) bool { return !slices.Contains(changed, path) })
	}
}

// text says what changes each time; empty: there are polls without news, or news that is different each time.
func (n *alwaysNews) text() string {
	switch {
	case n.sometime || n.compared < manyTimes || !n.same:
		return ""
	case len(n.paths) > 0:
		change := "changes"
		if len(n.paths) > 1 {
			change = "change"
		}
		return fmt.Sprintf("each poll is news: %s %s each time; select what matters with `data`, or raise `interval`", named(n.paths), change)
	case len(n.before) == 1 && !isJSON(n.before[0].Data):
		return "each poll is news: the text changes each time"
	}
	return ""
}

// isJSON reports whether data is an object or an array.
func isJSON(data []byte) bool {
	return strings.HasPrefix(string(data), "{") || strings.HasPrefix(string(data), "[")
}

// named lists paths.
func named(paths []string) string {
	var all []string
	for _, path := range paths[:min(len(paths), maxNamed)] {
		all = append(all, "`"+clip(oneLine(path))+"`")
	}
	if more := len(paths) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("%d more", more))
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
