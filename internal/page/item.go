package page

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
)

// item is one raw item of a page.
type item struct {
	raw  []byte     // its JSON, or the whole body; nil for what a program made, until it is needed
	id   string     // empty where it has none
	made *jq.Output // what a program made, or nil

	cursor string // of its own, where items have one

	json bool // raw is JSON
}

// text returns an item as it stands on its page, or, of what a program has made, as conditions, fingerprints
// and people see it.
func (it *item) text() []byte {
	if it.raw == nil && it.made != nil {
		it.raw = madeText(it.made)
	}
	return it.raw
}

// madeText returns the JSON of what a program has made: an object of strings, {"id","event","data"}.
func madeText(out *jq.Output) []byte {
	text := make([]byte, 0, len(`{"id":,"event":,"data":}`)+decode.StringSize(out.ID)+decode.StringSize(out.Event)+decode.StringSize(out.Data))
	text = decode.AppendString(append(text, `{"id":`...), out.ID)
	text = decode.AppendString(append(text, `,"event":`...), out.Event)
	text = decode.AppendString(append(text, `,"data":`...), out.Data)
	return append(text, '}')
}
