package suggest

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// positioned writes what polls after the position that the answer gives, where nothing identifies items. What comes at a
// position comes once, so each item is an event, where the answer has one list and nothing else that could be news.
func (f *findings) positioned(ctx context.Context, b *Block, c *cursor) error {
	holds, err := f.ask(ctx, f.Hold, c.name, gjson.GetBytes(f.found.Body, c.from).String())
	if err != nil {
		return err
	}
	f.placed = *c
	f.pace(b, c.held || f.slow(holds))
	f.public(b)
	b.fixed(f.URL, c.name)
	f.format(b)
	const position = "the position, which the endpoint gives with each answer"
	if p, only := f.onlyList(); only {
		l := &list{path: p.Path, items: p.Value.Array()}
		b.add("each of its items is an event"+f.beside(c.from), "items", l.path)
		if len(l.items) == 0 {
			b.Notes = append(b.Notes, "the list `"+l.path+"` is empty: try again when it has items, to see whether they have ids, or are of kinds")
		} else if name := l.typeName(); name != "" {
			b.add("names kinds of items", "event", name)
		}
		b.add(position, "cursor", c.from)
	} else {
		b.add(position+"; an event is the whole answer. A client that comes back gets the newest one, and none in between", "cursor", c.from)
	}
	f.send(b, c)
	if c.given != "" {
		b.add("a client without an id begins as the URL does", "start", c.given)
	}
	f.moreLine(b)
	return nil
}

// beside says what of an answer is no event, beside its list and its position.
func (f *findings) beside(position string) string {
	var names []string
	for _, p := range shape.Scalars(shape.Places(f.found.Body)) {
		if p.Path != position {
			names = append(names, p.Path)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; what stands beside them is not sent: " + some(names)
}

// onlyList returns the list of an answer of JSON beside which there are only scalars; ok is false if it is none such.
func (f *findings) onlyList() (only shape.Place, ok bool) {
	places := shape.Places(f.found.Body)
	lists := shape.Lists(places)
	if f.formatWords() != nil || !f.found.JSON || len(lists) != 1 {
		return only, false
	}
	only = lists[0]
	for _, p := range places {
		if p.Value.IsObject() && !strings.HasPrefix(only.Path, p.Path+".") {
			return only, false
		}
	}
	return only, true
}

// documentBlock writes what sends an answer whole whenever it changes.
func (f *findings) documentBlock(b *Block, next *nextPage) {
	for _, p := range shape.Lists(shape.Places(f.found.Body)) {
		if f.found.JSON && len(p.Value.Array()) == 0 {
			b.Notes = append(b.Notes, "the list `"+p.Path+"` is empty: try again when it has items, to make an event of each")
		}
	}
	if next != nil {
		b.Notes = append(b.Notes, "the answer has further pages, which this block does not read: try again when each of its items has an id, for `diff items` with `more`")
	}
	if f.grows() {
		b.add("it answers at once: every 2s, and every 10s while nothing happens", "interval", "2s", "10s")
		b.add("the text grows at its end: each line is an event", "format", "lines")
	} else {
		b.add(f.whole(), "interval", "2s", "30s")
	}
	f.public(b)
	b.fixed(f.URL)
	switch words := f.formatWords(); {
	case words == nil && f.found.JSON && !f.grows():
		b.add("what is no JSON, such as an error page, is no event", "format", "json")
	case words == nil || words[0] == "lines":
	case words[0] == "csv":
		b.Notes = append(b.Notes, "it is a table whose rows nothing tells apart: if a column does, or several do, write `format "+strings.Join(words, " ")+"`, `id` and `diff items`, to make an item of each row")
	default:
		f.format(b)
	}
	f.documentData(b)
}

// whole says what an event is, and when it comes.
func (f *findings) whole() string {
	why := "the whole answer is one event, sent when it has changed: every 2s, and up to 30s apart while it does not"
	if f.notModified {
		why += "; what has not changed costs a 304"
	}
	return why
}

// documentData writes what of a document counts, if something in it changes by itself.
func (f *findings) documentData(b *Block) {
	bodies, pauses := f.bodies(), f.between()
	switch {
	case len(pauses) == 0:
		return
	case len(bodies) != len(f.readings) || f.formatWords() != nil && f.formatWords()[0] == "csv":
		f.noteLines(b)
		return
	}
	noisy, restless := noise(drifts(bodies), pauses)
	if len(noisy) > 0 {
		quiet, left := selection(bodies, func(path string) bool { return noisy[path] || vital(path) })
		if quiet == "" || quiet == "@this" {
			b.Notes = append(b.Notes, "each poll makes an event, since these change in each reading: "+some(shown(noisy))+". Name what matters with `data <path>`")
		} else {
			b.add(withoutNoise(left), "data", quiet)
		}
	}
	f.noteRestless(b, restless)
}

// noteLines says of a text which of its lines changed all the time.
func (f *findings) noteLines(b *Block) {
	if len(f.readings) < 2 {
		return
	}
	for i := 1; i < len(f.readings); i++ {
		if bytes.Equal(f.readings[i].Body, f.readings[i-1].Body) {
			return
		}
	}
	before := strings.Split(string(f.readings[0].Body), "\n")
	was := make(map[string]bool, len(before))
	for _, line := range before {
		was[line] = true
	}
	changed, example := 0, ""
	for line := range strings.SplitSeq(string(f.readings[1].Body), "\n") {
		if !was[line] {
			if changed++; example == "" {
				example = strings.TrimSpace(line)
			}
		}
	}
	if example = clip(example); changed > 0 {
		b.Notes = append(b.Notes, fmt.Sprintf("each poll makes an event: it changed in each reading, %s differed, such as %q. If that is no news, ask for less, or use an endpoint with JSON", shape.Count(changed, "line"), example))
	}
}

func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// grows reports whether a later reading is a text that the first one is the beginning of.
func (f *findings) grows() bool {
	if f.found.Nature != "text" || len(f.readings) < 2 {
		return false
	}
	last := f.readings[len(f.readings)-1]
	return len(last.Body) > len(f.first.Body) && bytes.HasPrefix(last.Body, f.first.Body) && bytes.ContainsRune(last.Body, '\n')
}

// heldBlock is for an endpoint that holds the first request already.
func (f *findings) heldBlock(b *Block) {
	b.add(fmt.Sprintf("it held the first request for %.0fs", f.first.took.Seconds()), "long_poll")
	f.public(b)
	b.fixed(f.URL)
	if f.first.held {
		b.Notes = append(b.Notes, "no answer came, so its form is unknown: try again while something happens there")
	}
	b.add("each answer is an event: an endpoint that holds requests answers when there is news", "format", "message")
}
