package decode

import (
	"bytes"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

var errHTMLLines = unexpectedHTML("lines were")

// lineFramer cuts an answer into its lines.
type lineFramer struct {
	out       recordBuffer
	opening   opening
	separator []byte
	crlf      bool   // whether a line may end in CRLF
	limit     int    // of a line, without its separator
	window    []byte // for a separator that lies across two chunks
}

// NewLineFramer returns a framer whose records are lines, without what separates them. Without a separator
// of its own a line ends in LF or CRLF. Lines of white space only are no records, and a byte order mark at
// the start is dropped. An answer that begins as HTML is an error.
func NewLineFramer(separator string, limit int) Framer {
	f := &lineFramer{separator: []byte(separator), crlf: separator == "", limit: limit}
	if f.crlf {
		f.separator = []byte("\n")
	}
	f.out.limit = limit + len("\r") + len(f.separator)
	return f
}

func (f *lineFramer) Push(p []byte) ([]Record, error) {
	if f.out.err != nil {
		return nil, f.out.err
	}
	return f.out.end(f.opening.read(p, f.read, errHTMLLines))
}

// Last returns a last line without a separator, if it is a JSON object or array: any other line may have been longer.
func (f *lineFramer) Last() []Record {
	line := bytes.TrimLeft(f.out.bytes(), Space)
	if f.out.err != nil || len(line) == 0 || line[0] != '{' && line[0] != '[' || !value.ValidJSON(bytes.TrimRight(line, Space)) {
		return nil
	}
	f.out.complete(0, f.out.len(), nil, 0)
	records, _ := f.out.end(nil) // there was no error
	return records
}

func (f *lineFramer) Partial() bool { return len(bytes.TrimLeft(f.out.bytes(), Space)) > 0 }

func (f *lineFramer) read(p []byte) error {
	for len(p) > 0 {
		n, ended := f.cut(p)
		if err := f.out.add(p[:n]); err != nil {
			return err
		}
		p = p[n:]
		line := f.out.bytes()
		if !ended {
			if len(line) > f.limit+len("\r")+len(f.separator)-1 {
				return ErrRecordTooLarge
			}
			return nil
		}
		line = line[:len(line)-len(f.separator)]
		if f.crlf {
			line, _ = bytes.CutSuffix(line, []byte("\r"))
		}
		if len(line) > f.limit {
			return ErrRecordTooLarge
		}
		if len(bytes.TrimLeft(line, Space)) == 0 {
			f.out.drop()
			continue
		}
		f.out.complete(0, len(line), nil, len(p))
	}
	return nil
}

// cut returns how many bytes of p belong to the line that is arriving, and whether they end it.
func (f *lineFramer) cut(p []byte) (n int, ended bool) {
	if most := len(f.separator) - 1; most > 0 {
		tail := f.out.bytes()
		tail = tail[max(0, len(tail)-most):]
		f.window = append(append(f.window[:0], tail...), p[:min(most, len(p))]...)
		if i := bytes.Index(f.window, f.separator); i >= 0 {
			return i + len(f.separator) - len(tail), true
		}
	}
	i := bytes.Index(p, f.separator)
	if i < 0 {
		return len(p), false
	}
	return i + len(f.separator), true
}
