package config

import (
	"regexp"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
)

// mentionsCursor finds the name of what a program yields. A next_cursor is another one.
var mentionsCursor = regexp.MustCompile(`\bcursor\b`)

// compileProgram parses the jq program. The cursors that it yields are known from those that are sent.
func (h *Config) compileProgram(c *Plan) (err error) {
	if h.JQ == "" {
		return nil
	}
	for _, other := range []struct {
		name  string
		there bool
	}{
		{"items", h.Items != ""},
		{"id", h.ID != ""},
		{"event", h.Event != nil},
		{"data", h.Data != ""},
		{"cursor", len(h.Cursor) > 0},
		{"order", h.Order != ""},
	} {
		if other.there {
			return wrong("jq", "the program replaces `%s`: remove one of the two", other.name)
		}
	}
	if c.Page.Program, err = jq.Parse(h.JQ); err != nil {
		return &fieldError{"jq", "jq", err}
	}
	c.Page.ProgramIDs = yields(h.JQ, "id")
	if c.Kind != "" || !mentionsCursor.MatchString(h.JQ) {
		return nil
	}
	steps := h.stepCursors()
	for _, edit := range h.edits(c) {
		for _, name := range edit.template.Cursors() {
			if opened := slices.Contains(steps, name) && !yields(h.JQ, name); !opened && !slices.Contains(c.Page.ProgramCursors, name) {
				c.Page.ProgramCursors = append(c.Page.ProgramCursors, name)
			}
		}
	}
	if len(c.Page.ProgramCursors) == 0 {
		return wrong("jq", "the program mentions a cursor, but no query, header_up, body or rewrite sends one: add for example `query <name> {sse.cursor}`")
	}
	return nil
}

// yields reports whether a program may yield a cursor with a name: it has an object with such a key, or a
// string that could become one; for the cursor without a name, it has a cursor that is not an object. This
// check is strict: otherwise a key or session of a step, whose name happens to be part of the program, would
// go into event ids.
func yields(program, name string) bool {
	quoted := regexp.QuoteMeta(name)
	key := `[{,]\s*\$?` + quoted + `\s*[:,}]|[^\[]"` + quoted + `"`
	if name == "" {
		key = `cursor"?\s*(:\s*[^{\s]|[,}])`
	}
	return regexp.MustCompile(key).MatchString(program)
}
