package page

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

const (
	// maxColumns bounds those of a line of CSV.
	maxColumns = 10_000
	// maxCells bounds those of a whole answer, since a quoted cell may have lines of its own.
	maxCells = 1_000_000
)

// csvToJSON returns a table of comma-separated values (RFC 4180, but forgiving) as a JSON array of
// its rows. A row is an array of strings; with header, where the first row names the columns, an
// object of strings by these names. A cell beyond them has its number as its name, from 0.
//
//	id,text     header    [{"id":"1","text":"a"}]
//	1,a         no header [["id","text"],["1","a"]]
func csvToJSON(text []byte, separator rune, header bool) ([]byte, error) {
	switch {
	case isHTML(text):
		return nil, errors.New("HTML where CSV was expected")
	case value.ValidJSON(bytes.Trim(text, jsonSpace)) && bytes.ContainsAny(bytes.TrimLeft(text, jsonSpace)[:1], "[{"):
		return nil, errors.New("JSON where CSV was expected")
	}
	if separator == 0 {
		separator = ','
	}
	cells, err := countCells(text, string(separator))
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = separator, true, -1, true
	var names [][]byte // of the columns, as JSON with their colons
	limit := maxExpanded(len(text))
	out := append(make([]byte, 0, len(text)+3*cells+2), '[') // quotes around each, brackets around rows
	for rows := 0; ; {
		row, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return append(out, ']'), nil
		case errors.As(err, &broken):
			return nil, fmt.Errorf("CSV that is broken on line %d", broken.Line)
		case err != nil:
			return nil, fmt.Errorf("reading the CSV: %w", err)
		}
		if header && names == nil {
			names = columns(row)
			continue
		}
		if rows++; rows > maxItems {
			return nil, fmt.Errorf("the page has more than %d items", maxItems)
		}
		if rows > 1 {
			out = append(out, ',')
		}
		if out = appendRow(out, row, names); len(out) > limit {
			return nil, fmt.Errorf("the answer is longer than %d bytes as JSON", limit)
		}
	}
}

func columns(row []string) [][]byte {
	names := make([][]byte, len(row))
	for i, name := range row {
		names[i] = append(appendString(nil, []byte(name)), ':')
	}
	return names
}

func appendRow(out []byte, row []string, names [][]byte) []byte {
	opening, closing := byte('['), byte(']')
	if names != nil {
		opening, closing = '{', '}'
	}
	out = append(out, opening)
	for i, cell := range row {
		if i > 0 {
			out = append(out, ',')
		}
		if i < len(names) {
			out = append(out, names[i]...)
		} else if names != nil {
			out = fmt.Appendf(out, `"%d":`, i)
		}
		out = appendString(out, cell)
	}
	return append(out, closing)
}

// countCells returns how many cells the table has at most.
func countCells(text []byte, separator string) (cells int, err error) {
	for line := range bytes.Lines(text) {
		n := bytes.Count(line, []byte(separator)) + 1
		if n > maxColumns {
			return 0, fmt.Errorf("a line of the table has more than %d cells", maxColumns)
		}
		if cells += n; cells > maxCells {
			return 0, fmt.Errorf("the table has more than %d cells", maxCells)
		}
	}
	return cells, nil
}
