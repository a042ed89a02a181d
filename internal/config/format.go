package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

var formats = []string{
	string(page.Auto), string(page.JSON), string(page.JSONP), string(page.XML), string(page.Feed), string(page.CSV),
	string(page.Lines), string(page.Text), string(page.Message),
}

// checkFormat checks what belongs to some formats alone.
func (h *Config) checkFormat(c *Plan) error {
	format := c.Page.Format
	switch {
	case h.Separator != "" && format != page.Lines && format != page.CSV:
		return wrong("separator", "it stands between lines, or the cells of CSV: leave it out in the format %s", format)
	case h.Separator != "" && format == page.CSV && !isCellSeparator(h.Separator):
		return wrong("separator", "%q cannot stand between the cells of CSV: one character can that is no quote and no line break", h.Separator)
	case h.Header && format != page.CSV:
		return wrong("header", "only CSV has a row that names its columns: leave it out in the format %s", format)
	case h.Items != "" && format == page.Lines:
		return wrong("items", "in the format lines each line is an item: leave `items` out")
	}
	if format != page.Lines {
		return nil
	}
	if field, ok := h.bodyPath(c); ok {
		return &fieldError{field.path, field.name, fmt.Errorf("%q is a path in JSON, which an answer in the format lines is not; only its lines may be", field.text)}
	}
	return nil
}

// bodyPath returns the first path that can only find something in a body of JSON.
func (h *Config) bodyPath(c *Plan) (readValue, bool) {
	if c.Page.Epoch.NeedsJSON() {
		return readValue{"epoch", "epoch", h.Epoch}, true
	}
	for i, cur := range c.Page.Cursors {
		for j, v := range cur.Values {
			if v.NeedsJSON() {
				return readValue{"cursor." + strconv.Itoa(i) + ".values." + strconv.Itoa(j), strings.TrimSpace("cursor " + cur.Name), v.String()}, true
			}
		}
	}
	return readValue{}, false
}

// isCellSeparator reports whether encoding/csv takes s as what stands between cells.
func isCellSeparator(s string) bool {
	c, n := utf8.DecodeRuneInString(s)
	return n == len(s) && c != utf8.RuneError && !strings.ContainsRune("\x00\"\r\n", c)
}
