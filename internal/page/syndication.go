package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mmcdole/gofeed"
	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxFeedValues bounds the values of a JSON feed, some of which take a hundred bytes each when
// they are read.
const maxFeedValues = 200_000

// feedToJSON returns an RSS, Atom or JSON feed as the JSON of a [gofeed.Feed]: its items are
// "items", each with what it has of guid, title, link, description, content, published, updated,
// authors, categories, enclosures and more, whichever kind of feed it is.
func feedToJSON(text []byte) ([]byte, error) {
	trimmed := bytes.Trim(text, jsonSpace)
	kind := gofeed.DetectFeedType(bytes.NewReader(trimmed[:min(len(trimmed), 4<<10)]))
	if kind == gofeed.FeedTypeUnknown || isHTML(text) {
		return nil, fmt.Errorf("%s where a feed was expected", body{text: text}.nature())
	}
	if kind == gofeed.FeedTypeJSON {
		if err := boundJSONFeed(trimmed); err != nil {
			return nil, err
		}
	} else if err := boundMarkup(text, maxFeedElements); err != nil {
		return nil, err
	}
	f, err := gofeed.NewParser().Parse(bytes.NewReader(text))
	if err != nil { // its words may be the upstream's
		return nil, errors.New("a feed that is broken")
	}
	items, limit := f.Items, maxExpanded(len(text))
	if len(items) > maxItems {
		return nil, fmt.Errorf("the page has more than %d items", maxItems)
	}
	f.Items = nil
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	out.WriteString(`{"items":[`)
	for i, it := range items {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := e.Encode(it); err != nil {
			return nil, fmt.Errorf("writing item %d of the feed as JSON: %w", i+1, err)
		}
		out.Truncate(out.Len() - len("\n"))
		if items[i] = nil; out.Len() > limit {
			return nil, fmt.Errorf("the answer is longer than %d bytes as JSON", limit)
		}
	}
	out.WriteByte(']')
	head := out.Len()
	if err := e.Encode(feedHead{Feed: f}); err != nil {
		return nil, fmt.Errorf("writing the feed as JSON: %w", err)
	}
	all := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	all[head] = ',' // for the brace: a feed has a type at least
	return all, nil
}

// feedHead is a feed without its items.
type feedHead struct {
	*gofeed.Feed

	Items any `json:"items,omitempty"`
}

// boundJSONFeed returns an error for a JSON feed that is none, or has so much in it that it would
// take much more memory than the answer.
func boundJSONFeed(text []byte) error {
	if !value.ValidJSON(text) {
		return fmt.Errorf("%s where a feed was expected", body{text: text}.nature())
	}
	if !gjson.GetBytes(text, "items").IsArray() {
		return errors.New("JSON without items where a feed was expected")
	}
	values, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
			if c == '\\' {
				i++
			}
		case c == ',' || c == '[' || c == '{':
			values++
		}
	}
	if values > maxFeedValues {
		return fmt.Errorf("the feed has more than %d values", maxFeedValues)
	}
	return nil
}
