package suggest

import (
	"testing"

	"github.com/tidwall/gjson"
)

func TestWhatHappensToTheItemsOfAList(t *testing.T) {
	t.Parallel()
	oldestFirst, newestFirst := order{sorted: true}, order{sorted: true, newestFirst: true}
	for _, c := range []struct {
		name     string
		order    order
		readings []string
		want     movement
	}{
		{"nothing", oldestFirst, []string{`[{"id":1}]`, `[{"id":1}]`}, movement{}},
		{"one more", oldestFirst, []string{`[{"id":1}]`, `[{"id":1},{"id":2}]`}, movement{added: true}},
		{"a window", oldestFirst, []string{`[{"id":1},{"id":2}]`, `[{"id":2},{"id":3}]`}, movement{added: true}},
		{"a window, the newest first", newestFirst, []string{`[{"id":2},{"id":1}]`, `[{"id":3},{"id":2}]`}, movement{added: true}},
		{"the newest is gone", newestFirst, []string{`[{"id":2},{"id":1}]`, `[{"id":1}]`}, movement{removed: true}},
		{"the newest is gone when one came", newestFirst, []string{`[{"id":2},{"id":1}]`, `[{"id":3},{"id":1}]`}, movement{added: true, removed: true}},
		{"one between is gone", oldestFirst, []string{`[{"id":1},{"id":2},{"id":3}]`, `[{"id":1},{"id":3}]`}, movement{removed: true}},
		{"the oldest is gone, and none came", oldestFirst, []string{`[{"id":1},{"id":2}]`, `[{"id":2}]`}, movement{removed: true}},
		{"one has changed", oldestFirst, []string{`[{"id":1,"a":1}]`, `[{"id":1,"a":2}]`}, movement{changed: "1"}},
		{"all others", oldestFirst, []string{`[{"id":1}]`, `[{"id":2}]`}, movement{added: true}},
		{"none is left", oldestFirst, []string{`[{"id":1}]`, `[]`, `[]`}, movement{emptied: true}},
	} {
		var all []*list
		for _, json := range c.readings {
			all = append(all, &list{parts: []string{"id"}, items: gjson.Parse(json).Array()})
		}
		if got := movements(all, c.order); got != c.want {
			t.Errorf("%s: %+v instead of %+v", c.name, got, c.want)
		}
	}
}
