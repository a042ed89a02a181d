package decode

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/mmcdole/gofeed"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

var feedItems, _ = value.ParsePath("items")

// readJSON writes the items of a JSON feed, and returns the feed without them.
func (w *feedWriter) readJSON(text []byte) (*gofeed.Feed, error) {
	if !value.ValidJSON(text) {
		return nil, Unexpected(text, "a feed was")
	}
	items := feedItems.Get(text)
	if !items.IsArray() {
		return nil, errors.New("JSON without items where a feed was expected")
	}
	var first string
	var err error
	items.ForEach(func(_, entry gjson.Result) bool {
		if w.count == 0 {
			first = entry.Raw
		}
		var f *gofeed.Feed
		if f, err = w.parseJSON(slices.Concat([]byte(`{"items":[`), []byte(entry.Raw), []byte(`]}`)), anEntry); err == nil {
			err = w.items(f.Items)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	// some of the feed's dates are those of its first entry
	head, err := w.parseJSON(slices.Concat(text[:items.Index], []byte("["+first+"]"), text[items.Index+len(items.Raw):]), theHead)
	if err != nil {
		return nil, err
	}
	head.Items = nil
	return head, nil
}

// parseJSON has gofeed read a JSON feed.
func (w *feedWriter) parseJSON(text []byte, what string) (*gofeed.Feed, error) {
	cost, _ := value.TreeCost(text)
	if err := w.afford(cost, what); err != nil {
		return nil, err
	}
	var f jsonfeed.Feed
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, errBrokenFeed
	}
	// gofeed looks into what is null
	f.Authors, f.Items = withoutNil(f.Authors), withoutNil(f.Items)
	for _, it := range f.Items {
		it.Authors = withoutNil(it.Authors)
	}
	translated, err := (&gofeed.DefaultJSONTranslator{}).Translate(&f)
	if err != nil {
		return nil, errBrokenFeed
	}
	return translated, nil
}

func withoutNil[T any](s []*T) []*T { return slices.DeleteFunc(s, func(e *T) bool { return e == nil }) }
