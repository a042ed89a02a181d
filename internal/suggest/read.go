package suggest

import (
	"bytes"
	"mime"
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// read finds out in which format the first answer is, and where its list is.
func (f *findings) read() {
	f.list, f.found = nil, explain(page.Config{}, f.first.Response)
	switch {
	case f.found.JSON && !f.isLines():
		f.list = bestList(f.found.Body)
	case f.reads(page.Config{Format: page.Feed}, "feed"):
	case f.reads(page.Config{Format: page.XML}, "xml"):
	case f.isLines():
		f.list = &list{format: []string{"lines"}, config: page.Config{Format: page.Lines}}
		f.list.items, _ = f.list.itemsOf(f.found, f.first.Body)
		f.list.findID()
	default:
		f.readTable()
	}
}

// reads reads the answer as markup of a kind, and reports whether it is that.
func (f *findings) reads(c page.Config, format string) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(f.first.Body), []byte("<")) || f.found.Nature == "HTML" && format != "feed" && !f.isXML() {
		return false
	}
	found := explain(c, f.first.Response)
	if found.Err != nil || !found.JSON {
		return false
	}
	f.found, f.list = found, bestList(found.Body)
	if f.list == nil {
		f.list = &list{}
	}
	f.list.format, f.list.config.Format = []string{format}, c.Format
	if format == "feed" {
		f.list.path, f.list.config.Items = "", value.Path{}
		f.list.items, _ = f.list.itemsOf(found, nil)
		f.list.findID()
	}
	return true
}

func (f *findings) isXML() bool { return strings.Contains(f.answeredAs(), "xml") }

// answeredAs is the media type that the first answer declares.
func (f *findings) answeredAs() string {
	kind, _, _ := mime.ParseMediaType(f.first.Header.Get("Content-Type"))
	return kind
}

// isLines reports whether each line of the answer is an object of its own.
func (f *findings) isLines() bool {
	n, kind := 0, f.answeredAs()
	for line := range bytes.Lines(f.first.Body) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] != '{' || !value.ValidJSON(line):
			return false
		default:
			n++
		}
	}
	return n > 1 || n == 1 && (strings.Contains(kind, "ndjson") || strings.Contains(kind, "jsonl") || strings.Contains(kind, "json-lines"))
}

// readTable reads the answer as a table, if it looks like one.
func (f *findings) readTable() {
	lines := strings.Split(strings.TrimSpace(string(f.first.Body)), "\n")
	declared := f.answeredAs() == "text/csv"
	for _, separator := range []string{",", ";", "\t", "|"} {
		n := strings.Count(lines[0], separator)
		if n == 0 || len(lines) < 2 || !declared && (n < 2 || slices.ContainsFunc(lines, func(l string) bool { return strings.Count(l, separator) < n })) {
			continue
		}
		c := page.Config{Format: page.CSV, Separator: separator, Header: named(lines[0], separator)}
		found := explain(c, f.first.Response)
		if found.Err != nil {
			continue
		}
		words := []string{"csv"}
		if c.Header {
			words = append(words, "header")
		}
		if separator != "," {
			words = append(words, strings.ReplaceAll(separator, "\t", `\t`))
		}
		f.found = found
		f.list = &list{format: words, config: c}
		f.list.items, _ = f.list.itemsOf(found, nil)
		f.list.findID()
		return
	}
}

// named reports whether the cells of a first row are names of columns.
func named(row, separator string) bool {
	cells := strings.Split(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(row)), separator), separator) // HAProxy ends rows with a separator
	for _, cell := range cells {
		if cell = strings.Trim(cell, `" `); cell == "" || strings.Trim(cell, "0123456789.,:-+ ") == "" {
			return false
		}
	}
	slices.Sort(cells)
	return len(slices.Compact(cells)) == len(cells)
}
