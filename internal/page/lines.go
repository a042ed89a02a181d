package page

import (
	"bytes"
	"errors"
	"slices"
)

var errHTMLLines = errors.New("HTML where lines were expected")

// splitLines returns the lines of a text, without what separates them. The last one counts
// whether it is ended or not: an upstream gives its log in whole pieces, and what it holds back
// comes with the next. Without a separator of its own a line ends in LF or CRLF.
func splitLines(text []byte, separator string) ([]item, error) {
	crlf := separator == ""
	if crlf {
		separator = "\n"
	}
	text, _ = bytes.CutSuffix(text, []byte(separator))
	count := bytes.Count(text, []byte(separator)) + 1
	if count > maxItems {
		return nil, errTooManyItems
	}
	items := make([]item, 0, count)
	for more := true; more; {
		var line []byte
		if line, text, more = bytes.Cut(text, []byte(separator)); crlf {
			line, _ = bytes.CutSuffix(line, []byte("\r"))
		}
		items = append(items, item{raw: slices.Clip(line)})
	}
	return items, nil
}
