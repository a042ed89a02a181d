package suggest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// newsAfter writes what makes events of the items that come after a position.
func (f *findings) newsAfter(ctx context.Context, b *Block, o order, c *cursor) error {
	quiet, err := f.askForNone(ctx, c, o)
	if err != nil {
		return err
	}
	holds := c.held || f.slow(quiet)
	f.placed = *c
	f.pace(b, holds)
	f.public(b)
	b.fixed(f.URL, c.name)
	f.format(b)
	if len(f.list.items) == 1 && o.unknown != "" {
		o.why = o.unknown + ": oldest first is assumed"
	}
	f.itemLines(b, o)
	f.eventLine(b)
	switch {
	case o.byID && c.from == "":
		b.add("ids grow: in whatever order items come, none comes twice, and an outage after which they begin anew shows", "order", "by_id")
	case o.newestFirst && o.sorted:
		b.add(o.why, "order", "newest_first")
	}
	if c.from != "" {
		b.add("the position, which the endpoint gives with each answer", "cursor", c.from)
	}
	f.send(b, c)
	if !holds && saysNone(quiet.Status) {
		b.add("it answers with this status while there is nothing new", "accept", strconv.Itoa(quiet.Status))
	}
	if c.given != "" {
		b.add("a client without an id begins as the URL does", "start", c.given)
	}
	f.moreLine(b)
	return nil
}

// moreLine writes what says that the next answer is there already.
func (f *findings) moreLine(b *Block) {
	for _, name := range []string{"has_more", "hasMore", "more"} {
		if v := gjson.GetBytes(f.found.Body, name); v.IsBool() && f.formatWords() == nil {
			b.add("there is more to read at once", "more", name)
			return
		}
	}
}

// newsBlock writes what makes events of the items of a list that holds more than news.
func (f *findings) newsBlock(b *Block, o order, next *nextPage) {
	f.pace(b, false)
	f.public(b)
	b.fixed(f.URL)
	f.format(b)
	f.withoutCursor(b, o, next != nil || f.isWindow(o))
}

// withoutCursor writes where the items are, and how news are told from the rest where the endpoint always answers the
// same list, or only the newest items of it.
func (f *findings) withoutCursor(b *Block, o order, window bool) {
	const none = "no parameter was found with which the endpoint answers with only news"
	f.itemLines(b, o)
	if o.moves != "" {
		b.inPlace(o.moves, "")
		return
	}
	if o.unknown != "" { // each order loses what comes at the other end
		b.inPlace(o.unknown+", so it is unknown where new ones come", ", wherever it stands. If new items come first, write `order newest_first` in the place of this line, and if they come last, `order overlap`")
		return
	}
	f.eventLine(b)
	words, why := []string{"overlap"}, "items that were already sent are dropped by their ids"
	switch {
	case o.byID:
		words, why = []string{"by_id"}, "ids grow"
		if o.newestFirst {
			why = o.why
		}
	case o.newestFirst:
		words, why = []string{"newest_first"}, o.why
	}
	feed := slices.Equal(f.formatWords(), []string{"feed"})
	if !feed {
		why += "; " + none
	}
	if words[0] != "overlap" && window && !feed {
		words, why = append(words, "overlap"), why+". The list holds only the newest: if more come at once than it holds, clients get a bridge.reset"
	}
	if !feed {
		why += ". If items change in place or go, write `diff items` instead, without `event`"
	}
	b.add(why, append([]string{"order"}, words...)...)
}

// windowName finds the parameters that say how long a list is.
func windowName(name string) bool {
	return slices.Contains([]string{"limit", "count", "n", "num", "size", "per_page", "perpage", "pagesize", "page_size", "max", "maxresults", "top", "rows"}, strings.ToLower(name)) || strings.HasSuffix(strings.ToLower(name), "limit")
}

// isWindow reports whether the list seems to hold only its newest items: it is as long as it is asked for, or a round
// number of items long, or begins with the newest and does not go back to the first.
func (f *findings) isWindow(o order) bool {
	n := len(f.list.items)
	for name, value := range parameters(f.URL.RawQuery) {
		if windowName(name) && value == strconv.Itoa(n) {
			return true
		}
	}
	if ids := f.list.ids(); o.byID && o.newestFirst && n > 1 && ids[n-1] != "0" && ids[n-1] != "1" {
		return true
	}
	return slices.Contains([]int{10, 20, 25, 30, 50, 100, 200, 250, 500, 1000}, n)
}

// itemLines writes where the items are, and what identifies one.
func (f *findings) itemLines(b *Block, o order) {
	l := f.list
	if l.path != "" {
		what := "objects"
		if l.items[0].IsArray() {
			what = "rows"
		}
		b.add(fmt.Sprintf("each of its %d %s is an event", len(l.items), what), "items", l.path)
	}
	why := fmt.Sprintf("each item has one of its own, such as %q", strings.ReplaceAll(l.ids()[0], "\n", " "))
	if o.why != "" && !o.newestFirst {
		why += "; " + o.why
	}
	b.add(why, "id", l.id)
}

// eventLine writes what names the kinds of items.
func (f *findings) eventLine(b *Block) {
	if name := f.list.typeName(); name != "" {
		b.add("names kinds of items", "event", name)
	}
}
