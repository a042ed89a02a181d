package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mmcdole/gofeed"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
)

// feedToJSON returns an RSS, Atom or JSON feed as the JSON of a [gofeed.Feed]: its items are
// "items", each with what it has of guid, title, link, description, content, published, updated,
// authors, categories, enclosures and more, whichever kind of feed it is.
//
// gofeed builds a tree, which takes up to forty times the memory of the feed. So it is given the feed in
// pieces of some entries, each of which is JSON before the next is read.
func feedToJSON(text []byte, memory int) ([]byte, error) {
	trimmed := bytes.Trim(text, decode.Space)
	kind := gofeed.DetectFeedType(bytes.NewReader(trimmed[:min(len(trimmed), 4<<10)]))
	if kind == gofeed.FeedTypeUnknown || decode.IsHTML(text) {
		return nil, fmt.Errorf("%s where a feed was expected", decode.Nature(text))
	}
	cut := cutFeed
	if kind == gofeed.FeedTypeJSON {
		cut = cutJSONFeed
	}
	pieces, err := cut(trimmed)
	if err != nil {
		return nil, err
	}
	w := feedWriter{out: newOutput(len(trimmed), memory), spare: memory / 4, kind: rssKind, root: pieces.name}
	if kind == gofeed.FeedTypeAtom {
		w.kind = atomKind
	}
	if err := w.out.bytes([]byte(`{"items":[`)); err != nil {
		return nil, err
	}
	head, err := w.parse(pieces.head, pieces.headCost, "the feed without its entries")
	if err != nil {
		return nil, err
	}
	first := head.Items
	head.Items = nil
	if err := w.items(first, pieces.first...); err != nil {
		return nil, err
	}
	if err := w.pieces(pieces); err != nil {
		return nil, err
	}
	if err := w.value(feedHead{Feed: head}); err != nil {
		return nil, err
	}
	// a feed has a type at least
	if err := w.out.bytes([]byte("],")); err != nil {
		return nil, err
	}
	if err := w.out.bytes(w.one.Bytes()[len("{"):]); err != nil {
		return nil, err
	}
	return w.out.text, nil
}

// feedHead is a feed without its items.
type feedHead struct {
	*gofeed.Feed

	Items any `json:"items,omitempty"`
}

// feedWriter writes the JSON of a feed.
type feedWriter struct {
	out   output
	one   bytes.Buffer // the JSON of one item
	count int          // items
	spare int          // the memory that a piece may take while it is read
	kind  feedKind
	root  []byte // the name of the root; nil for a JSON feed, whose ids stay what they are
}

// pieces reads all entries but the first.
func (w *feedWriter) pieces(f feedPieces) error {
	for i := 0; i < len(f.entries); {
		piece, cost := [][]byte{f.opening(f.entries[i])}, 0
		first, begin := f.entries[i], i
		for ; i < len(f.entries) && f.entries[i].channel == first.channel && len(piece) < maxPiece && (cost == 0 || cost+f.entries[i].cost <= w.spare/4); i++ {
			if len(piece) > 1 {
				piece = append(piece, f.between)
			}
			piece = append(piece, f.entries[i].text)
			cost += f.entries[i].cost
		}
		got, err := w.parse(append(piece, f.closing(first)), cost, "an entry of the feed")
		if err != nil {
			return err
		}
		entries := make([][]byte, 0, i-begin)
		for _, e := range f.entries[begin:i] {
			entries = append(entries, e.text)
		}
		if err := w.items(got.Items, entries...); err != nil {
			return err
		}
	}
	return nil
}

// maxPiece bounds the parts that a piece is made of.
const maxPiece = 1000

// parse has gofeed read a document that is given in parts, if there is the memory for it.
func (w *feedWriter) parse(parts [][]byte, cost int, what string) (*gofeed.Feed, error) {
	if cost > w.spare {
		return nil, fmt.Errorf("%s is too large: reading it takes more than %d bytes: ask the upstream for less", what, w.spare)
	}
	readers := make([]io.Reader, len(parts))
	for i, p := range parts {
		readers[i] = bytes.NewReader(p)
	}
	f, err := gofeed.NewParser().Parse(io.MultiReader(readers...))
	if err != nil { // its words may be the upstream's
		return nil, errors.New("a feed that is broken")
	}
	return f, nil
}

// items writes items behind those before, and lets go of each. They are made of those entries.
func (w *feedWriter) items(items []*gofeed.Item, entries ...[]byte) error {
	if w.root != nil {
		w.kind.restore(items, entries, w.root)
	}
	for i, it := range items {
		if w.count++; w.count > decode.MaxItems {
			return decode.ErrTooManyItems
		}
		if w.count > 1 {
			if err := w.out.byte(','); err != nil {
				return err
			}
		}
		if err := w.value(it); err != nil {
			return err
		}
		if err := w.out.bytes(w.one.Bytes()); err != nil {
			return err
		}
		items[i] = nil
	}
	return nil
}

// value writes v to w.one.
func (w *feedWriter) value(v any) error {
	w.one.Reset()
	e := json.NewEncoder(&w.one)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing the feed as JSON: %w", err)
	}
	w.one.Truncate(w.one.Len() - len("\n"))
	return nil
}
