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

// checkFormat checks the fields that belong to some formats only.
func (h *Config) checkFormat(c *Plan) error {
	format := c.Page.Format
	switch {
	case h.Separator != "" && format != page.Lines && format != page.CSV:
		return wrong("separator", "only lines and csv have a separator: remove it for format %s", format)
	case h.Separator != "" && format == page.CSV && !isCellSeparator(h.Separator):
		return wrong("separator", "%q cannot separate CSV cells: use one character, except a quote or a line break", h.Separator)
	case h.Header && format != page.CSV:
		return wrong("header", "only csv has a row of column names: remove it for format %s", format)
	case h.Items != "" && format == page.Lines:
		return wrong("items", "with format lines each line is an item: remove `items`")
	}
	if format != page.Lines {
		return nil
	}
	if field, ok := h.bodyPath(c); ok {
		return &fieldError{field.path, field.name, fmt.Errorf("the path %q needs an answer that is JSON, and with format lines only single lines can be: remove it, or use another format", field.text)}
	}
	return nil
}

// bodyPath returns the first path that needs a body of JSON.
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

// isCellSeparator reports whether encoding/csv accepts s as the separator of cells.
func isCellSeparator(s string) bool {
	c, n := utf8.DecodeRuneInString(s)
	return n == len(s) && c != utf8.RuneError && !strings.ContainsRune("\x00\"\r\n", c)
}
