package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

var formats = []string{
	string(page.Auto), string(page.JSON), string(page.JSONP), string(page.XML), string(page.Feed), string(page.CSV),
	string(page.Lines), string(page.SocketIO), string(page.SockJS), string(page.Text), string(page.Message), string(page.EventStream), string(page.Multipart), string(page.Scripts),
}

// streamFormats are the formats of answers that go on.
var streamFormats = []string{
	string(page.Lines), string(page.JSON), string(page.EventStream), string(page.Multipart), string(page.Scripts),
}

// checkStream checks what cannot be said of an answer that goes on.
func (h *Config) checkStream(c *Plan) error {
	if !c.Stream {
		return nil
	}
	for _, field := range []struct {
		name  string
		given bool
	}{{"interval", h.Interval != nil}, {"long_poll", h.LongPoll != 0}, {"wait", h.Wait != nil}} {
		if field.given {
			return wrong(field.name, "a stream is not polled: remove `%s`, or remove `stream`", field.name)
		}
	}
	for _, field := range []struct {
		name  string
		given bool
	}{{"reply", len(h.Reply) > 0}, {"ack", h.Ack != nil}, {"beat", len(h.Beat) > 0}} {
		if field.given {
			return wrong(field.name, "it belongs to polls, and a stream has none: remove `%s`, or remove `stream`", field.name)
		}
	}
	switch {
	case h.Format != "" && !slices.Contains(streamFormats, h.Format):
		return wrong("format", "format %s does not say where a record of a stream ends: use one of %s", h.Format, strings.Join(streamFormats, ", "))
	case h.Format == "":
		return wrong("stream", "the format must say where a record ends: add `format`, with one of %s", strings.Join(streamFormats, ", "))
	case h.Diff != "":
		return wrong("diff", "it compares whole answers, and a stream has records: remove `diff`, or remove `stream`")
	case c.Page.Order == page.NewestFirst:
		return wrong("order", "the records of a stream come oldest first: remove `order`")
	}
	return nil
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
	case h.Items != "" && format == page.Lines && !c.Stream:
		return wrong("items", "with format lines each line is an item: remove `items`")
	}
	if format != page.Lines || c.Stream {
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
		if h.overlaps() { // it is looked up in the lines
			break
		}
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
