package suggest

import (
	"context"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// streamTries bounds the requests that try parameters of an endpoint whose answers go on: each of them lasts.
const streamTries = 8

// streamBlock writes what reads an answer that goes on.
func (f *findings) streamBlock(ctx context.Context, b *Block) error {
	s := newStream(f.first)
	l := s.list()
	var c *cursor
	if l != nil && l.id != "" && !s.has("Id", "Etag", "Last-Modified") {
		var err error
		if c, err = f.streamCursor(ctx, l); err != nil {
			return err
		}
	}
	b.Notes = append(b.Notes, fmt.Sprintf("its answer goes on: %s came in %.0fs", shape.Count(len(s.records), "record"), f.first.took.Seconds()))
	s.silence(b, c != nil || s.has("Id", "Etag", "Last-Modified"))
	f.public(b)
	skip := ""
	if c != nil {
		skip = c.name
	}
	b.fixed(f.URL, skip)
	s.formatLine(b)
	if l != nil && l.path != "" {
		b.add("each of its objects is an event", "items", l.path)
	}
	if c != nil {
		b.add(fmt.Sprintf("each has one of its own, such as %q: where the next request continues", l.ids()[0]), "id", l.id)
	}
	if l != nil && len(l.items) > 0 && s.format != page.EventStream {
		if name := l.typeName(); name != "" {
			b.add("names kinds of records", "event", name)
		}
	}
	switch {
	case c != nil:
		b.add(c.why, "query", c.name, "{sse.cursor}")
		if c.given != "" {
			b.add("a client without an id begins as the URL does", "start", c.given)
		}
	case s.has("Id", "Etag", "Last-Modified"):
	case l != nil && l.id != "":
		b.Notes = append(b.Notes, "no parameter was found with which it continues after a record. If there is one: id "+l.id+", and query <name> {sse.cursor}")
	}
	return nil
}

// streamCursor tries parameters until the answer to one begins with what came after a record; nil if none does. A
// parameter of the URL that is called like a position is one.
func (f *findings) streamCursor(ctx context.Context, l *list) (*cursor, error) {
	ids := l.ids()
	middle := (len(ids) - 1) / 2
	before, pivot, after := ids[:middle], ids[middle], ids[middle+1:]
	if len(after) == 0 {
		return f.namedCursor(), nil
	}
	for i, name := range f.candidates() {
		if i == streamTries {
			break
		}
		a, err := f.ask(ctx, f.Hold/2, name, pivot)
		if err != nil {
			return nil, err
		}
		again := newStream(a)
		got := (&list{parts: l.parts, items: again.itemsAt(l.path)}).ids()
		if len(got) > 0 && got[0] == pivot && len(before) > 0 { // it continues with what it is asked by
			got = got[1:]
		}
		if a.Status/100 == 2 && len(got) > 0 && got[0] == after[0] {
			return &cursor{name: name, given: f.given(name), why: fmt.Sprintf("%s=%s continues after that record", name, pivot)}, nil
		}
	}
	return f.namedCursor(), nil
}

// namedCursor returns the parameter of the URL that is called like a position; nil for none.
func (f *findings) namedCursor() *cursor {
	name := f.position()
	if name == "" {
		return nil
	}
	return &cursor{name: name, given: f.given(name), why: "the URL has it, and it is called like a position; whether it is one was not seen"}
}
