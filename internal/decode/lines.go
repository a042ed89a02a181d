package decode

import (
	"bytes"
	"slices"
)

// Lines returns the lines of a text, without what separates them. The last one counts whether it is ended
// or not: an upstream gives its log in whole pieces, and what it holds back comes with the next. Without
// a separator of its own a line ends in LF or CRLF. The lines are parts of the text, with no room to grow.
// More than [MaxItems] are [ErrTooManyItems].
func Lines(text []byte, separator string) ([][]byte, error) {
	crlf := separator == ""
	if crlf {
		separator = "\n"
	}
	text, _ = bytes.CutSuffix(text, []byte(separator))
	count := bytes.Count(text, []byte(separator)) + 1
	if count > MaxItems {
		return nil, ErrTooManyItems
	}
	lines := make([][]byte, 0, count)
	for more := true; more; {
		var line []byte
		if line, text, more = bytes.Cut(text, []byte(separator)); crlf {
			line, _ = bytes.CutSuffix(line, []byte("\r"))
		}
		lines = append(lines, slices.Clip(line))
	}
	return lines, nil
}
