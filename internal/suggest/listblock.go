package suggest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// listBlock writes what makes events of the items of a list.
func (f *findings) listBlock(ctx context.Context, b *Block) error {
	l, o := f.list, f.list.order()
	c, err := f.findCursor(ctx, o)
	if err != nil {
		return err
	}
	holds := false
	if c != nil {
		if holds, err = f.holds(ctx, c, o); err != nil {
			return err
		}
	}
	f.pace(b, holds)
	f.public(b)
	skip := ""
	if c != nil {
		skip = c.name
	}
	b.fixed(f.URL, skip)
	f.format(b)
	f.itemLines(b, o)
	if c == nil {
		f.withoutCursor(b, o)
		return nil
	}
	if o.newestFirst && o.sorted {
		b.add(o.why, "order", "newest_first")
	}
	if c.from != "" {
		b.add("the position, which the endpoint gives with each answer", "cursor", c.from)
	}
	sent := "{sse.cursor}"
	if c.next {
		sent = "{sse.cursor+1}"
	}
	b.add(c.why, "query", c.name, sent)
	if c.given != "" {
		b.add("a client without an id begins as the URL does", "start", c.given)
	}
	for _, name := range []string{"has_more", "hasMore", "more"} {
		if v := gjson.GetBytes(f.found.Body, name); v.IsBool() && l.config.Format == "" {
			b.add("there is more to read at once", "more", name)
			break
		}
	}
	return nil
}

// itemLines writes where the items are, and what of them is what.
func (f *findings) itemLines(b *Block, o order) {
	l := f.list
	if l.path != "" {
		b.add(fmt.Sprintf("each of its %d objects is an event", len(l.items)), "items", l.path)
	}
	why := fmt.Sprintf("each item has one of its own, such as %q", strings.ReplaceAll(l.ids()[0], "\n", " "))
	if o.why != "" && !o.newestFirst {
		why += "; " + o.why
	}
	b.add(why, "id", l.id)
	if name := l.typeName(); name != "" {
		b.add("names kinds of items, for addEventListener", "event", name)
	}
}

// withoutCursor writes how news are told from the rest where the endpoint always answers the same list.
func (f *findings) withoutCursor(b *Block, o order) {
	const none = "no parameter was found with which the endpoint answers with only news"
	switch {
	case o.newestFirst:
		b.add(o.why+"; "+none, "order", "newest_first")
	case o.numbers:
		b.add("ids grow; "+none, "order", "by_id")
	case slices.Equal(f.formatWords(), []string{"feed"}):
		b.add("feeds begin with the newest entry", "order", "newest_first")
	default:
		b.add("items that were already sent are dropped by their ids; "+none, "order", "overlap")
	}
}
