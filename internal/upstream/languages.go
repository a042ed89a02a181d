package upstream

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Unfenced is a cursor within a longer text that the upstream may read as a language, such as `time > {sse.cursor}`. It
// stays one value of a query or a body, but not one of the language in there.
type Unfenced struct {
	Where  string // as in the Caddyfile: "query q"
	Cursor string // the placeholder
}

// UnfencedOf returns such cursors of a plan's polls, but those for which `matching` says what they may be.
func UnfencedOf(p *config.Plan) (all []Unfenced) {
	look := func(where string, t value.Template, whole func(in value.Insertion) bool) {
		for _, in := range t.Insertions() {
			if p.Matching[in.Cursor] == nil && !whole(in) {
				all = append(all, Unfenced{where, config.PlaceholderOf(in.Cursor)})
			}
		}
	}
	for _, e := range p.Query {
		look("query "+e.Name, e.Value, alone)
	}
	look("rewrite", p.RewriteQuery, aloneInForm)
	look("body", p.Body, wholeInBody(p))
	return slices.Compact(all)
}

// wholeInBody returns what reports whether a cursor is a whole value of a body.
func wholeInBody(p *config.Plan) func(in value.Insertion) bool {
	switch {
	case isJSON(p.BodyType):
		return func(in value.Insertion) bool { return wholeInJSON(p.Body, in.Cursor) }
	case isForm(p.BodyType):
		return aloneInForm
	case isXML(p.BodyType):
		return func(in value.Insertion) bool {
			return strings.HasSuffix(in.Before, ">") && strings.HasPrefix(in.After, "<") || strings.HasSuffix(in.Before, `"`) && strings.HasPrefix(in.After, `"`)
		}
	}
	return alone
}

// wholeInJSON reports whether a cursor is a number or a whole string, wherever it stands in a template of JSON.
func wholeInJSON(t value.Template, cursor string) bool {
	const mark = "271828182845"
	env := &value.Env{Cursor: make(map[string]string)}
	for _, name := range t.Cursors() {
		env.Cursor[name] = "0"
	}
	env.Cursor[cursor] = mark
	text, ok := t.Expand(env)
	if !ok {
		return false
	}
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		token, err := decoder.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if text, is := token.(string); is && text != mark && strings.Contains(text, mark) {
			return false
		}
	}
}

func alone(in value.Insertion) bool { return in.Before == "" && in.After == "" }

func aloneInForm(in value.Insertion) bool {
	return (in.Before == "" || strings.HasSuffix(in.Before, "=")) && (in.After == "" || strings.HasPrefix(in.After, "&"))
}
