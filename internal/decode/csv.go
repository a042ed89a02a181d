package decode

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxColumns bounds those of a row of CSV, each of which takes some hundred bytes while it is read.
const maxColumns = 10_000

// CSV returns a table of comma-separated values (RFC 4180, but forgiving) in UTF-8 as a JSON array of
// its rows. A row is an array of strings; with header, where the first row names the columns, an
// object of strings by these names. A cell beyond them has its number as its name, from 0. A separator
// of 0 is a comma.
//
//	id,text     header    [{"id":"1","text":"a"}]
//	1,a         no header [["id","text"],["1","a"]]
//
// The error is a text that is HTML or JSON, a quote that is never closed, more than [MaxItems] rows, more
// than ten thousand cells in a row, or what would take more than memory.
func CSV(text []byte, memory int, separator rune, header bool) ([]byte, error) {
	switch inner := bytes.Trim(text, Space); {
	case IsHTML(text):
		return nil, unexpectedHTML("CSV was")
	case len(inner) > 0 && (inner[0] == '[' || inner[0] == '{') && value.ValidJSON(inner):
		return nil, errors.New("JSON where CSV was expected")
	}
	if separator == 0 {
		separator = ','
	}
	t := table{text: text, separator: separator, header: header, maxRow: memory / 24}
	// the table is read twice, to know how long the JSON is before there is the memory for it
	size, limit := len("[]"), memory/4*3
	err := t.each(func(row []string, names [][]byte) error {
		if size += rowSize(row, names) + len(","); size > limit {
			repeated := ""
			if header {
				repeated = ", where each row repeats the names of the columns"
			}
			return fmt.Errorf("the table is longer than %d bytes as JSON%s: ask the upstream for less", limit, repeated)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, size), '[')
	err = t.each(func(row []string, names [][]byte) error {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = appendRow(out, row, names)
		return nil
	})
	return append(out, ']'), err
}

// table is a table that is read row by row.
type table struct {
	text      []byte
	separator rune
	header    bool
	maxRow    int // bytes
}

// each gives visit the rows, with the names of the columns as JSON if the table has them.
func (t table) each(visit func(row []string, names [][]byte) error) error {
	source := &rowSource{rest: t.text, separator: []byte(string(t.separator)), maxRow: t.maxRow}
	r := csv.NewReader(source)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = t.separator, true, -1, true
	var names [][]byte
	for rows := 0; ; {
		row, err := r.Read()
		source.row, source.cells = 0, 0
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken) && !errors.Is(err, errRow):
			return fmt.Errorf("CSV that is broken on line %d", broken.Line)
		case err != nil:
			return fmt.Errorf("reading the CSV: %w", err)
		}
		if t.header && names == nil {
			names = columns(row)
			continue
		}
		if rows++; rows > MaxItems {
			return ErrTooManyItems
		}
		if err := visit(row, names); err != nil {
			return err
		}
	}
}

// errRow is a row over its limits.
var errRow = errors.New("a row is too large")

// rowSource gives the text to the reader, and stops it in a row that would take too much memory.
type rowSource struct {
	rest       []byte
	separator  []byte
	row, cells int // since the last row
	maxRow     int
}

func (s *rowSource) Read(p []byte) (int, error) {
	switch {
	case len(s.rest) == 0:
		return 0, io.EOF
	case s.row > s.maxRow:
		return 0, fmt.Errorf("%w: it has more than %d bytes, or a quote that is never closed", errRow, s.maxRow)
	case s.cells > maxColumns:
		return 0, fmt.Errorf("%w: it has more than %d cells", errRow, maxColumns)
	}
	n := copy(p, s.rest)
	s.row += n
	s.cells += bytes.Count(s.rest[:n], s.separator) // of a few rows, if they are short
	s.rest = s.rest[n:]
	return n, nil
}

func columns(row []string) [][]byte {
	names := make([][]byte, len(row))
	for i, name := range row {
		names[i] = append(AppendString(nil, name), ':')
	}
	return names
}

// rowSize returns how long a row is as JSON.
func rowSize(row []string, names [][]byte) int {
	size := len("[]") + len(row)
	for i, cell := range row {
		size += StringSize(cell)
		if i < len(names) {
			size += len(names[i])
		} else if names != nil {
			size += len(`"":`) + len(strconv.Itoa(i))
		}
	}
	return size
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
		out = AppendString(out, cell)
	}
	return append(out, closing)
}
