package suggest

import (
	"context"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// answerBlock writes what reads answers that are whole: news after a position, where a parameter is one; else what the
// answer is, by how it changes.
func (f *findings) answerBlock(ctx context.Context, b *Block) error {
	if err := f.lookAgain(ctx); err != nil {
		return err
	}
	if f.list != nil && f.list.id != "" && !f.list.mapped {
		o := f.list.order()
		c, err := f.findCursor(ctx, o)
		if err != nil {
			return err
		}
		if c != nil && (c.from != "" || !f.list.byName(o)) {
			if o.mayFall && c.from == "" {
				o.sorted, o.newestFirst, o.why = true, true, c.why+", which stand before it"
			}
			return f.newsAfter(ctx, b, o, c)
		}
	} else if f.first.held || f.slow(f.first) {
		f.heldBlock(b)
		return nil
	} else if c, err := f.bodyCursor(ctx); err != nil {
		return err
	} else if c != nil {
		return f.positioned(ctx, b, c)
	}
	if err := f.readAgain(ctx); err != nil {
		return err
	}
	if told, err := f.validators(ctx, b); err != nil || told {
		return err
	}
	next, err := f.next(ctx)
	if err != nil {
		return err
	}
	if f.list == nil && next != nil {
		f.list = listOfNames(f.found.Body)
	}
	if f.list == nil || len(f.list.items) == 0 {
		f.documentBlock(b, next)
		return nil
	}
	if f.list.id != "" && !lasts(f.lists(), f.list.parts...) && !f.list.order().numbers {
		f.list.identify() // it is another one in each answer
	}
	o := order{}
	if f.list.id != "" {
		o = f.list.order()
		switch kind, why := f.nature(o); {
		case kind == taken:
			f.takenBlock(b, why)
			return nil
		case kind == news && (next == nil || o.newestFirst):
			f.newsBlock(b, o, next)
			return nil
		}
	}
	if !isName(f.list.items[0]) {
		f.list.findKey(f.lists())
	}
	if f.list.id == "" || f.list.path != "" && next == nil && !f.fills() || f.list.format != nil && f.list.format[0] == "xml" {
		f.documentBlock(b, next) // without a key, or where other things stand beside the list, or that is absent when it is empty
		return nil
	}
	_, why := f.nature(o)
	if isName(f.list.items[0]) {
		why = "names are in their own order, so that a new one comes anywhere among them"
	}
	f.setBlock(b, why, next)
	return nil
}

// fills reports whether the list is most of the answer: what stands beside it is not sent. The time at which the answer
// was made, or the list was changed, says nothing more.
func (f *findings) fills() bool {
	if f.list.path == "@this" {
		return true
	}
	size := len(f.found.Body)
	for _, p := range shape.Scalars(shape.Places(f.found.Body)) {
		if _, isTime := timeOf(p.Value); isTime && timeName.MatchString(p.Key) {
			size -= len(`,"":`) + len(p.Key) + len(p.Value.Raw)
		}
	}
	return 2*len(gjson.GetBytes(f.found.Body, f.list.path).Raw) >= size
}

func isName(item gjson.Result) bool { return item.Type == gjson.String }

// listOfNames returns the list of the answer whose items are texts, each of them another.
func listOfNames(body []byte) *list {
	for _, p := range shape.Lists(shape.Places(body)) {
		path, err := value.ParsePath(p.Path)
		l := &list{path: p.Path, items: p.Value.Array()}
		if err != nil || len(l.items) == 0 || !isName(l.items[0]) || !l.identifies("@this") {
			continue
		}
		l.config.Items = path
		l.identify("@this")
		return l
	}
	return nil
}

// takenBlock writes what reads a list from which each request takes what it reads. No item of it comes again, so no
// answer can be compared with the one before: each that has something in it is an event.
func (f *findings) takenBlock(b *Block, why string) {
	b.add("it answers at once", "interval", "2s", "10s")
	f.public(b)
	b.fixed(f.URL)
	b.add(why+": if a request takes what it reads, each answer is an event, with all that it took", "format", "message")
	if f.list.format == nil {
		b.add("but not an answer without any", "ignore", "!"+f.list.path+".0")
	}
	b.add("nothing else may poll it, and the bridge keeps it for clients that come back. If the list shows what there is, write `items`, `id` and `diff items` in the place of this line and of those above it", "replay", "1000", "60s")
}
