package suggest

import (
	"cmp"
	"context"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// glance is how long a guess waits for an answer.
const glance = time.Second

// Guess returns a block after one request, within about a second. It tries no parameter: what is not seen in that
// answer is left out. It is good enough to begin with, while [For] looks closer.
func Guess(ctx context.Context, e Endpoint) (*Block, error) {
	e.Hold, e.Say = cmp.Or(e.Hold, glance), func(string) {}
	f := &findings{Endpoint: &e}
	b := newBlock(&e)
	var err error
	if f.first, err = e.ask(ctx, e.Hold, "", ""); ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil && !f.first.goesOn {
		f.read()
	}
	b.Notes = append(b.Notes, "a first guess after one request")
	switch known := f.protocol(); {
	case known != nil:
		known.write(f, b)
		f.public(b)
	case err != nil || f.first.Status/100 != 2 && !f.first.held:
		b.add("every 2s, and up to 30s apart while the answer does not change", "interval", "2s", "30s")
		f.public(b)
		b.fixed(f.URL)
	case f.first.goesOn:
		s := newStream(f.first)
		b.add("its answer goes on", "stream")
		f.public(b)
		b.fixed(f.URL)
		s.formatLine(b)
	case f.first.held || f.slow(f.first):
		f.heldBlock(b)
	case f.list != nil && f.list.id != "" && !f.list.mapped:
		f.pace(b, false)
		f.public(b)
		b.fixed(f.URL)
		f.format(b)
		f.withoutCursor(b, f.list.order(), false)
	default:
		f.pace(b, false)
		f.public(b)
		b.fixed(f.URL)
		f.format(b)
	}
	b.others()
	return b, nil
}

// Items returns the lines that make an event of each item of a list in an answer: where the list is, what
// identifies an item, its kind, and how news are told from the rest without a parameter. answer is JSON, or what
// a format has made of another answer. It returns nil if there is no list at the path.
func Items(answer []byte, path string) []Line {
	items, err := value.ParsePath(path)
	if err != nil || !items.Get(answer).IsArray() {
		return nil
	}
	l := &list{path: path, items: items.Get(answer).Array(), config: page.Config{Items: items}}
	f, b := &findings{Endpoint: new(Endpoint), list: l}, new(Block)
	if l.findID(); l.id == "" {
		b.add("each of its items is an event; nothing was found that identifies one", "items", path)
		return b.Lines
	}
	f.withoutCursor(b, l.order(), false)
	return b.Lines
}

// Parameters are what the parameter may be called by which one asks for what came after a position: those of a
// URL's query that are called so, then the common names.
func (e *Endpoint) Parameters() []string { return (&findings{Endpoint: e}).candidates() }
