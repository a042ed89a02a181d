package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mmcdole/gofeed"
)

// Feed returns an RSS, Atom or JSON feed in UTF-8, without its XML declaration, as the JSON of a
// [gofeed.Feed]: its items are "items", each with what it has of guid, title, link, description, content,
// published, updated, authors, categories, enclosures and more, whichever kind of feed it is. Ids and
// absolute links are as they stand in the feed.
//
// The error is a text that is no feed, elements that are nested deeper than [value.MaxDepth], more than
// [MaxItems] items, or what would take more than memory. An entry, and the feed without its entries, may
// take a quarter of it while they are read.
func Feed(text []byte, memory int) ([]byte, error) {
	text = bytes.Trim(text, Space)
	kind := gofeed.DetectFeedType(bytes.NewReader(text[:min(len(text), 4<<10)]))
	if kind == gofeed.FeedTypeUnknown || IsHTML(text) {
		return nil, Unexpected(text, "a feed was")
	}
	w := &feedWriter{out: newOutput(len(text)+len(text)/8, memory/4*3), memory: memory, spare: memory / 4}
	w.out.plain(`{"items":[`)
	var head *gofeed.Feed
	var err error
	switch kind {
	case gofeed.FeedTypeJSON:
		head, err = w.readJSON(text)
	case gofeed.FeedTypeAtom:
		head, err = w.readXML(text, atomKind)
	default:
		head, err = w.readXML(text, rssKind)
	}
	if err != nil {
		return nil, err
	}
	if err := w.value(feedHead{Feed: head}); err != nil {
		return nil, err
	}
	w.out.plain("],")
	w.out.raw(w.one.Bytes()[len("{"):]) // a feed has a type at least
	return w.out.text, w.failed()
}

// feedHead is a feed without its items.
type feedHead struct {
	*gofeed.Feed

	Items any `json:"items,omitempty"`
}

// feedWriter reads a feed entry by entry, each of which is written before the next is read: a tree of all
// takes up to forty times the memory of the feed.
type feedWriter struct {
	out    *output
	one    bytes.Buffer // the JSON of one item
	count  int          // items
	memory int          // that all may take
	spare  int          // that an entry may take while it is read
}

var errBrokenFeed = errors.New("a feed that is broken") // the library's words may be the upstream's

const (
	anEntry = "an entry of the feed is too large"
	theHead = "the feed without its entries is too large"
)

// afford returns an error if there is no memory for what takes so much.
func (w *feedWriter) afford(cost int, what string) error {
	if cost > w.spare {
		return errMemory(what, w.spare)
	}
	return nil
}

// failed returns an error if there was no memory for all that was written.
func (w *feedWriter) failed() error { return w.out.failed("the feed is very large as JSON", w.memory) }

// items writes items behind those before.
func (w *feedWriter) items(items []*gofeed.Item) error {
	for _, it := range items {
		if w.count++; w.count > MaxItems {
			return ErrTooManyItems
		}
		if w.count > 1 {
			w.out.plain(",")
		}
		if err := w.value(it); err != nil {
			return err
		}
		w.out.raw(w.one.Bytes())
	}
	return w.failed()
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
