package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// checkCursors checks that each cursor is read and sent.
func (h *Config) checkCursors(c *Plan) error {
	moved := h.cursorsRead(c) // by the answers to polls
	read := append(slices.Clone(moved), h.stepCursors()...)
	sent := map[string]bool{}
	for _, edit := range h.edits(c) {
		for _, name := range edit.template.Cursors() {
			if !slices.Contains(read, name) {
				return &fieldError{edit.path, edit.name, h.unreadCursor(name, read)}
			}
			sent[name] = true
		}
	}
	for _, v := range h.values() {
		for _, name := range v.cursors() {
			if !slices.Contains(read, name) {
				return &fieldError{v.path, v.name, h.unreadCursor(name, read)}
			}
		}
		if h.overlaps() && strings.HasPrefix(v.path, "cursor.") {
			if !v.template().ReadsItem() && v.text != clearing {
				return &fieldError{v.path, v.name, fmt.Errorf("with `order overlap`, the cursor is that of each item, and %q is looked up in the whole answer: write {sse.item.PATH}", v.text)}
			}
			continue
		}
		if err := v.checkScope(); err != nil {
			return err
		}
	}
	if err := h.checkStepCursors(c, read, sent); err != nil {
		return err
	}
	for i, cur := range h.Cursor {
		if !sent[cur.Name] {
			return notSent("cursor."+strconv.Itoa(i), cur.Name)
		}
	}
	if len(h.Cursor) > 0 && len(c.ClearedCursors) == len(h.Cursor) && !c.Reader.Document() && !c.Reader.Set() {
		return &fieldError{"cursor.0", strings.TrimSpace("cursor " + h.Cursor[0].Name), fmt.Errorf("every cursor can be cleared by `=`, and without any the position would be that of a new client: remove `=` from one of them")}
	}
	if h.ID != "" && len(h.Cursor) == 0 && c.Stream && !sent[""] {
		return wrong("id", "the id is the cursor, at which polls continue, but no line sends it to the upstream: add for example `query <name> {sse.cursor}`, or remove `id` if no request can go on from a record")
	}
	if h.ID != "" && len(h.Cursor) == 0 && h.Order == "" && h.Diff != diffItems && !sent[""] && !c.Page.Once {
		return wrong("id", "the id is the cursor, at which polls continue, but no line sends it to the upstream: add for example `query <name> {sse.cursor}`. If the upstream always answers with its newest items, add `order overlap` or `order newest_first`, as they stand, `order by_id` if ids are numbers that grow, or `diff items` if items change or their order is unknown")
	}
	for _, name := range slices.Sorted(maps.Keys(h.Start)) {
		if !slices.Contains(moved, name) {
			path := "start." + name
			return &fieldError{path, strings.TrimSpace("start " + name), h.unreadCursor(name, moved)}
		}
	}
	return h.compileMatching(c, moved)
}

// maxPattern is how many bytes a pattern of `matching` may have.
const maxPattern = 1000

// compileMatching parses what cursors may be, of which the answers to polls move those named.
func (h *Config) compileMatching(c *Plan, moved []string) error {
	for _, name := range slices.Sorted(maps.Keys(h.Matching)) {
		text := h.Matching[name]
		failed := func(err error) error {
			return &fieldError{"matching." + name, strings.TrimSpace("matching " + name), err}
		}
		switch {
		case !slices.Contains(moved, name):
			return failed(h.unreadCursor(name, moved))
		case text == "":
			return failed(errors.New("the pattern is empty, and would match no cursor: write one, or remove the line"))
		case len(text) > maxPattern:
			return failed(fmt.Errorf("the pattern has %d bytes, and may have %d", len(text), maxPattern))
		}
		if _, err := parsePattern(text); err != nil {
			return failed(err)
		}
		if c.Matching == nil {
			c.Matching = make(map[string]*regexp.Regexp)
		}
		pattern, err := regexp.Compile(`\A(?:` + text + `)\z`)
		if err != nil {
			return failed(fmt.Errorf("the pattern %q has a `\\Q` without `\\E`", text))
		}
		if start, given := h.Start[name]; given && !pattern.MatchString(start) {
			return failed(fmt.Errorf("the pattern %q does not match %q of `start`", text, start))
		}
		c.Matching[name] = pattern
	}
	return nil
}

// notSent is the error of a cursor that is read but never sent.
func notSent(path, name string) error {
	return &fieldError{
		path, strings.TrimSpace("cursor " + name),
		fmt.Errorf("the answers contain it, but no query, header_up, body or rewrite sends it: add for example `query <name> %s`", PlaceholderOf(name)),
	}
}

// cursorsRead returns the names of the cursors that the answers to polls move.
func (h *Config) cursorsRead(c *Plan) []string {
	var names []string
	switch {
	case len(c.Page.ProgramCursors) > 0:
		return c.Page.ProgramCursors
	case h.JQ != "" && h.Diff == "":
		return []string{""}
	}
	for _, cur := range h.Cursor {
		names = append(names, cur.Name)
	}
	if len(names) == 0 && h.ID != "" && h.Diff != diffItems {
		names = append(names, "")
	}
	return names
}

// unreadCursor is the error of a cursor that is sent but never read. It says how to read one.
func (h *Config) unreadCursor(name string, read []string) error {
	placeholder := PlaceholderOf(name)
	switch {
	case len(read) > 0:
		known := make([]string, len(read))
		for i, r := range read {
			known[i] = PlaceholderOf(r)
		}
		return fmt.Errorf("there is no %s: add `%s`, or use %s", placeholder, cursorLine(name), strings.Join(known, " or "))
	case h.Diff == diffItems:
		return fmt.Errorf("there is no %s: the id of an item is no position in a set; add `%s` if the answer contains an index or the next page, or remove the edit", placeholder, cursorLine(name))
	case h.Items != "" && name == "":
		return fmt.Errorf("there is no %s: add `id` (for items), or `%s` (for a cursor in the answer)", placeholder, cursorLine(name))
	}
	return fmt.Errorf("there is no %s: add `%s`, which says where the answer contains it", placeholder, cursorLine(name))
}

func cursorLine(name string) string {
	if name == "" {
		return "cursor <value>"
	}
	return "cursor " + name + " <value>"
}

func PlaceholderOf(name string) string {
	if name == "" {
		return "{sse.cursor}"
	}
	return "{sse.cursor." + name + "}"
}

type pollEdit struct {
	path, name string
	template   value.Template
}

// edits returns all edits that can send a cursor.
func (h *Config) edits(c *Plan) []pollEdit {
	all := []pollEdit{{"method", "method", c.Method}, {"rewrite", "rewrite", c.RewritePath}, {"rewrite", "rewrite", c.RewriteQuery}, {"body", "body", c.Body}}
	for i, e := range c.Query {
		all = append(all, pollEdit{"query." + strconv.Itoa(i), "query " + e.Name, e.Value})
	}
	for i, e := range c.HeaderUp {
		all = append(all, pollEdit{"header_up." + strconv.Itoa(i), "header_up " + h.HeaderUp[i].Name, e.Value})
	}
	return all
}

// values returns all values that can contain a cursor while an answer is read.
func (h *Config) values() []readValue {
	all := []readValue{{"id", "id", h.ID}, {"epoch", "epoch", h.Epoch}, {"data", "data", h.Data}, {"retry_after", "retry_after", h.RetryAfter}}
	if h.Event != nil {
		all = append(all, readValue{"event", "event", h.Event.Value})
	}
	for i, cur := range h.Cursor {
		for j, text := range cur.Values {
			all = append(all, readValue{
				"cursor." + strconv.Itoa(i) + ".values." + strconv.Itoa(j), strings.TrimSpace("cursor " + cur.Name), text,
			})
		}
	}
	for _, field := range h.conditionFields(new(Plan)) {
		for i, cond := range field.conditions {
			all = append(all, readValue{field.name + "." + strconv.Itoa(i), field.name, cond.Value})
		}
	}
	return all
}
