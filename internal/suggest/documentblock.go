package suggest

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// documentBlock writes what sends an answer whole whenever it changes.
func (f *findings) documentBlock(ctx context.Context, b *Block) error {
	if f.first.held || f.slow(f.first) {
		return f.heldBlock(b)
	}
	if c, err := f.bodyCursor(ctx); err != nil {
		return err
	} else if c != nil {
		holds, err := f.ask(ctx, f.Hold, c.name, gjson.GetBytes(f.found.Body, c.from).String())
		if err != nil {
			return err
		}
		f.pace(b, holds.held || f.slow(holds))
		f.public(b)
		b.fixed(f.URL, c.name)
		f.format(b)
		b.add("the position, which the endpoint gives with each answer; an event is the whole answer", "cursor", c.from)
		b.add(c.why, "query", c.name, "{sse.cursor}")
		return nil
	}
	for _, p := range shape.Lists(shape.Places(f.found.Body)) {
		if f.found.JSON && len(p.Value.Array()) == 0 {
			b.Notes = append(b.Notes, "the list `"+p.Path+"` is empty: try again when it has items, to make an event of each")
		}
	}
	why, err := f.again(ctx, b)
	if err != nil {
		return err
	}
	if len(b.Lines) == 0 {
		b.add(why, "interval", "2s", "30s")
	}
	f.public(b)
	b.fixed(f.URL)
	if words := f.formatWords(); words != nil && words[0] != "lines" {
		f.format(b)
	}
	return nil
}

// again asks once more, with the validators of the first answer, and says what came of it.
func (f *findings) again(ctx context.Context, b *Block) (why string, err error) {
	whole := "the whole answer is one event, sent when it has changed: every 2s, and up to 30s apart while it does not"
	if words := f.formatWords(); words != nil && words[0] == "csv" {
		whole = "it answers at once: every 2s, and up to 30s apart while no row is new"
	}
	var header []string
	if tag := f.first.Header.Get("ETag"); tag != "" {
		header = append(header, "If-None-Match", tag)
	}
	if modified := f.first.Header.Get("Last-Modified"); modified != "" {
		header = append(header, "If-Modified-Since", modified)
	}
	a, err := f.ask(ctx, f.Hold, "", "", header...)
	switch {
	case err != nil:
		return "", err
	case a.held && len(header) > 0:
		b.add("it holds a request that has the ETag and Last-Modified of its last answer", "long_poll")
		b.add("each answer is an event", "format", "message")
		return "", nil
	case a.held:
		b.add("it held the second request", "long_poll")
		return "", nil
	case a.Status == 304:
		return whole + "; what has not changed costs a 304", nil
	case f.grows(a):
		b.add("it answers at once: every 2s, and every 10s while nothing happens", "interval", "2s", "10s")
		b.add("the text grows at its end: each line is an event", "format", "lines")
		return "", nil
	case !bytes.Equal(a.Body, f.first.Body):
		b.Notes = append(b.Notes, "two answers in a row differ: if only a clock or a counter changes, select what matters with `data <path>`")
	}
	return whole, nil
}

// grows reports whether a second answer is a text that the first one is the beginning of.
func (f *findings) grows(a reply) bool {
	return f.found.Nature == "text" && len(a.Body) > len(f.first.Body) && bytes.HasPrefix(a.Body, f.first.Body) && bytes.ContainsRune(a.Body, '\n')
}

// heldBlock is for an endpoint that holds the first request already.
func (f *findings) heldBlock(b *Block) error {
	b.add(fmt.Sprintf("it held the first request for %.0fs", f.first.took.Seconds()), "long_poll")
	f.public(b)
	b.fixed(f.URL)
	if f.first.held {
		b.Notes = append(b.Notes, "no answer came, so its form is unknown: try again while something happens there")
	}
	b.add("each answer is an event: an endpoint that holds requests answers when there is news", "format", "message")
	return nil
}
