package feed

import (
	"slices"
	"strconv"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// world is an upstream of the walk. Its places are numbers: how many items come before. It answers what
// it has at once: an answer that comes late was held, as none is for so long under way.
type world struct {
	name     string
	longPoll bool
	config   page.Config
	// answer is what it says to a poll from a place, when it has so many items; first is a newcomer's
	// poll, from its place. All that differs for equal places is made of serial.
	answer func(published, from int, first bool, serial string) reply
	event  func(item int) bool // nil: all make one
}

// reply is an answer of a world.
type reply struct {
	from  int // the place where it begins
	items []item
	next  string
	more  bool
	held  bool // it has no news, and comes at the end of a long poll
}

// sameItem is the number of items that are all the same.
const sameItem = 7

type item struct {
	ID   string `json:"id,omitempty"`
	Skip bool   `json:"skip,omitempty"`
	N    int    `json:"n,omitempty"`
}

// after returns the items after a place, so many at most.
func after(published, from, most int) (items []item) {
	for n := from + 1; n <= published && len(items) < most; n++ {
		items = append(items, item{ID: strconv.Itoa(n), N: n})
	}
	return items
}

// newcomers get the last item.
func newcomer(published int, first bool, from int) int {
	if first {
		return max(published-1, 0)
	}
	return from
}

func worlds() []world {
	path := func(s string) value.Value {
		v, err := value.Parse(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	condition := func(s string) []value.Condition {
		c, err := value.ParseCondition([]string{s})
		if err != nil {
			panic(err)
		}
		return []value.Condition{c}
	}
	cursor := []page.Cursor{{Values: []value.Value{path("next")}}}
	ids := page.Config{ID: path("id")}
	pages := page.Config{Cursors: cursor}
	paged := func(more bool) page.Config {
		c := page.Config{Cursors: cursor}
		if more {
			c.More = condition("more")
		}
		return c
	}
	odd := func(n int) bool { return n%2 == 1 }
	// onePage answers with one page at a time, of which every other one is empty.
	onePage := func(published, from int) (items []item, next int) {
		if from >= published {
			return nil, from
		}
		if next = from + 1; odd(next) {
			items = []item{{N: next}}
		}
		return items, next
	}
	named := page.Config{Cursors: cursor, ID: path("id")}
	start := func(published int, first bool, from int) int {
		if first {
			return published
		}
		return from
	}
	token := func(serial string, n int) string { return "t" + serial + "-" + strconv.Itoa(n) }

	return []world{
		{name: "ids", config: ids, answer: func(published, from int, first bool, _ string) reply {
			from = newcomer(published, first, from)
			return reply{from: from, items: after(published, from, 2)}
		}},
		{name: "runs of equal ids", config: ids, answer: func(published, from int, first bool, _ string) reply {
			published -= published % 2
			from = newcomer(published, first, from)
			from -= from % 2
			items := after(published, from, 4)
			for i := range items {
				items[i].ID = strconv.Itoa((items[i].N + 1) / 2 * 2)
			}
			return reply{from: from, items: items}
		}},
		{name: "the newest three, without a cursor in the poll", config: page.Config{ID: path("id"), Order: page.Overlap, Unsent: true}, answer: func(published, _ int, _ bool, _ string) reply {
			return reply{from: max(published-3, 0), items: after(published, max(published-3, 0), 3)}
		}},
		{name: "newest first", config: page.Config{ID: path("id"), Order: page.NewestFirst, Unsent: true}, answer: func(published, _ int, _ bool, _ string) reply {
			items := after(published, 0, 5)
			slices.Reverse(items)
			return reply{items: items}
		}},
		{name: "empty pages", config: pages, event: odd, answer: func(published, from int, first bool, _ string) reply {
			from = start(published, first, from)
			items, next := onePage(published, from)
			return reply{from: from, items: items, next: strconv.Itoa(next)}
		}},
		{name: "empty pages that say whether there are more", config: paged(true), event: odd, answer: func(published, from int, first bool, _ string) reply {
			from = start(published, first, from)
			items, next := onePage(published, from)
			return reply{from: from, items: items, next: strconv.Itoa(next), more: next < published}
		}},
		{name: "empty pages with tokens", config: pages, event: odd, answer: func(published, from int, first bool, serial string) reply {
			from = start(published, first, from)
			items, next := onePage(published, from)
			return reply{from: from, items: items, next: token(serial, next)}
		}},
		{name: "empty pages with tokens that say whether there are more", config: paged(true), event: odd, answer: func(published, from int, first bool, serial string) reply {
			from = start(published, first, from)
			items, next := onePage(published, from)
			return reply{from: from, items: items, next: token(serial, next), more: next < published}
		}},
		{name: "long polls of empty pages with tokens", longPoll: true, config: pages, event: odd, answer: func(published, from int, first bool, serial string) reply {
			from = start(published, first, from)
			items, next := onePage(published, from)
			return reply{from: from, items: items, next: token(serial, next), held: !first && from >= published}
		}},
		{name: "ignored items", config: page.Config{Cursors: cursor, Ignore: condition("skip")}, event: odd, answer: func(published, from int, first bool, _ string) reply {
			from = start(published, first, from)
			items := after(published, from, 1)
			for i := range items {
				items[i].Skip = !odd(items[i].N)
			}
			return reply{from: from, items: items, next: strconv.Itoa(from + len(items))}
		}},
		{name: "ignored items and tokens", config: page.Config{Cursors: cursor, Ignore: condition("skip"), More: condition("more")}, event: odd, answer: func(published, from int, first bool, serial string) reply {
			from = start(published, first, from)
			items := after(published, from, 1)
			for i := range items {
				items[i].Skip = !odd(items[i].N)
			}
			return reply{from: from, items: items, next: token(serial, from+len(items)), more: from+len(items) < published}
		}},
		{name: "borders that move", config: pages, answer: func(published, from int, first bool, _ string) reply {
			from = newcomer(published, first, from)
			items := after(published, from, 3)
			return reply{from: from, items: items, next: strconv.Itoa(from + len(items))}
		}},
		{name: "equal items", config: pages, answer: func(published, from int, first bool, _ string) reply {
			from = newcomer(published, first, from)
			items := after(published, from, 3)
			for i := range items {
				items[i] = item{N: sameItem}
			}
			return reply{from: from, items: items, next: strconv.Itoa(from + len(items))}
		}},
		{name: "a token for each answer", config: pages, answer: func(published, from int, first bool, serial string) reply {
			from = newcomer(published, first, from)
			items := after(published, from, 2)
			return reply{from: from, items: items, next: token(serial, from+len(items))}
		}},
		{name: "a token for each answer, and items with ids", config: named, answer: func(published, from int, first bool, serial string) reply {
			from = newcomer(published, first, from)
			items := after(published, from, 2)
			return reply{from: from, items: items, next: token(serial, from+len(items))}
		}},
		{name: "empty pages with tokens, and items with ids", config: named, event: odd, answer: func(published, from int, first bool, serial string) reply {
			from = start(published, first, from)
			items, next := onePage(published, from)
			for i := range items {
				items[i].ID = strconv.Itoa(items[i].N)
			}
			return reply{from: from, items: items, next: token(serial, next)}
		}},
		{name: "a token for each answer of a long poll", longPoll: true, config: pages, answer: func(published, from int, first bool, serial string) reply {
			from = newcomer(published, first, from)
			items := after(published, from, 2)
			return reply{from: from, items: items, next: token(serial, from+len(items)), held: !first && len(items) == 0}
		}},
		{name: "a token for each page with items", config: pages, answer: func(published, from int, first bool, serial string) reply {
			from = start(published, first, from)
			items := after(published, from, 2)
			r := reply{from: from, items: items, next: token(serial, from+len(items))}
			if !first && len(items) == 0 {
				r.next = ""
			}
			return r
		}},
	}
}
