package decode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

var (
	errPartHeader = errors.New("a part of the answer has a header that cannot be read")
	errPartLength = errors.New("a part of the answer is longer than its Content-Length")
)

// partFramer cuts a multipart answer into its parts.
type partFramer struct {
	out        recordBuffer // of the body
	limit      int          // of a part's header and body together
	delimiters [][]byte     // those that the boundary may mean; one, once the first has come
	state      partFramerState
	line       []byte // the beginning of a line before the first delimiter
	matched    int    // how much of the delimiter the line begins with that is read; -1 for another line
	bodyEnd    int    // where the body ends if a delimiter begins here
	dashes     int    // after a delimiter; -1 if something else follows it
	head       []byte // the header that is arriving
	lineStart  int    // where in head the line begins that is read
	header     http.Header
	length     int // how much of the body is to come, if its length is known
	source     bytes.Reader
	buffered   *bufio.Reader
}

// partFramerState is where a [partFramer] is.
type partFramerState byte

const (
	inPreamble partFramerState = iota
	afterDelimiter
	inHeader
	inBody        // which the delimiter ends
	inCountedBody // whose length is known
	afterBody     // whose length was known
	afterParts
)

// maxBoundary bounds a boundary, which RFC 2046 has no longer than 70 characters.
const maxBoundary = 256

// NewPartFramer returns a framer whose records are the parts of a multipart answer (RFC 2046, section
// 5.1.1) such as multipart/x-mixed-replace, with their headers. A part is complete at its Content-Length;
// without one, as soon as the delimiter after it is there. A boundary that has the two dashes of the
// delimiter in it is accepted. Parts without header and body are no records.
//
// The error is a Content-Type that is not multipart, or has no boundary.
func NewPartFramer(contentType string, limit int) (Framer, error) {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return nil, err
	}
	f := &partFramer{limit: limit, delimiters: [][]byte{[]byte("--" + boundary)}}
	if strings.HasPrefix(boundary, "--") && strings.Trim(boundary, "-") != "" {
		f.delimiters = append(f.delimiters, []byte(boundary))
	}
	f.buffered = bufio.NewReaderSize(&f.source, 512)
	return f, nil
}

// boundaryOf returns the boundary that a Content-Type names. One with a slash or the like in it needs
// quotes, and servers forget them: it ends at the next semicolon then.
func boundaryOf(contentType string) (string, error) {
	kind, rest, _ := strings.Cut(contentType, ";")
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "multipart/") {
		return "", errors.New("the answer's Content-Type is not multipart")
	}
	_, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	for err != nil && boundary == "" && rest != "" {
		var param string
		param, rest, _ = strings.Cut(rest, ";")
		if name, text, _ := strings.Cut(param, "="); strings.EqualFold(strings.TrimSpace(name), "boundary") {
			boundary = strings.Trim(strings.TrimSpace(text), `"`)
		}
	}
	if boundary == "" || len(boundary) > maxBoundary || strings.ContainsAny(boundary, "\r\n") {
		return "", fmt.Errorf("the answer's Content-Type is multipart, and has no boundary of 1 to %d characters", maxBoundary)
	}
	return boundary, nil
}

func (f *partFramer) Push(p []byte) ([]Record, error) {
	if f.out.err != nil {
		return nil, f.out.err
	}
	return f.out.end(f.read(p))
}

func (f *partFramer) Last() []Record { return nil }

func (f *partFramer) Partial() bool {
	return f.state == inHeader && len(f.head) > 0 || f.state == inBody || f.state == inCountedBody
}

func (f *partFramer) read(p []byte) error {
	for len(p) > 0 && f.state != afterParts {
		n, err := f.next(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// next reads some bytes, and returns how many.
func (f *partFramer) next(p []byte) (n int, err error) {
	switch f.state {
	case inPreamble:
		return f.readPreamble(p), nil
	case afterDelimiter:
		return f.readDelimiterEnd(p), nil
	case inHeader:
		return f.readHeader(p)
	case inBody:
		return f.readBody(p)
	case inCountedBody:
		n = min(len(p), f.length)
		if err := f.out.add(p[:n]); err != nil {
			return n, err
		}
		if f.length -= n; f.length == 0 {
			f.complete(f.out.len(), len(p)-n)
			f.state, f.matched = afterBody, 0
		}
		return n, nil
	}
	return 1, f.readAfterBody(p[0])
}

// readPreamble looks for the first delimiter, which says what the boundary means.
func (f *partFramer) readPreamble(p []byte) (n int) {
	if f.matched < 0 {
		if n = bytes.IndexByte(p, '\n'); n < 0 {
			return len(p)
		}
	}
	c := p[n]
	if c == '\n' {
		f.matched, f.line = 0, f.line[:0]
		return n + 1
	}
	f.line = append(f.line, c)
	f.matched = -1
	for _, d := range f.delimiters {
		if bytes.Equal(f.line, d) {
			f.delimiters, f.line = [][]byte{d}, nil
			f.endDelimiter()
			return n + 1
		}
		if bytes.HasPrefix(d, f.line) {
			f.matched = len(f.line)
		}
	}
	return n + 1
}

// endDelimiter goes on behind a delimiter.
func (f *partFramer) endDelimiter() { f.state, f.dashes = afterDelimiter, 0 }

// readDelimiterEnd reads the line of a delimiter to its end. Two dashes end the parts.
func (f *partFramer) readDelimiterEnd(p []byte) (n int) {
	if f.dashes >= 0 && p[0] == '-' {
		if f.dashes++; f.dashes == len("--") {
			f.state = afterParts
		}
		return 1
	}
	f.dashes = -1
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		return len(p)
	}
	f.state, f.lineStart, f.header = inHeader, 0, nil
	if f.head = f.head[:0]; cap(f.head) > smallRecord {
		f.head = nil
	}
	return i + 1
}

// readHeader reads the lines of a header, to the empty one.
func (f *partFramer) readHeader(p []byte) (n int, err error) {
	end := bytes.IndexByte(p, '\n')
	if n = end + 1; end < 0 {
		n = len(p)
	}
	if n > f.limit-len(f.head) {
		return 0, ErrRecordTooLarge
	}
	f.head = append(f.head, p[:n]...)
	if end < 0 {
		return n, nil
	}
	line := bytes.TrimRight(f.head[f.lineStart:], "\r\n")
	f.lineStart = len(f.head)
	if len(line) > 0 {
		return n, nil
	}
	return n, f.beginBody(len(p) - n)
}

// beginBody reads the header that has arrived. rest is how much of the chunk is still to be read.
func (f *partFramer) beginBody(rest int) error {
	f.source.Reset(f.head)
	f.buffered.Reset(&f.source)
	header, err := textproto.NewReader(f.buffered).ReadMIMEHeader()
	if err != nil {
		return errPartHeader
	}
	if len(header) > 0 {
		f.header = http.Header(header)
	}
	room := f.limit - len(f.head)
	f.out.limit = room
	length, err := strconv.ParseUint(strings.TrimSpace(header.Get("Content-Length")), 10, 63)
	switch {
	case err != nil:
		f.state, f.matched, f.bodyEnd = inBody, 0, 0
		f.out.limit = room + len("\r\n") + len(f.delimiters[0])
	case length > uint64(room):
		return ErrRecordTooLarge
	case length == 0:
		f.complete(0, rest)
		f.state, f.matched = afterBody, 0
	default:
		f.state, f.length = inCountedBody, int(length)
	}
	return nil
}

// readBody reads a body that a delimiter ends.
func (f *partFramer) readBody(p []byte) (n int, err error) {
	delimiter := f.delimiters[0]
	if f.matched < 0 {
		end := bytes.IndexByte(p, '\n')
		if n = end + 1; end < 0 {
			n = len(p)
		}
		if err := f.out.add(p[:n]); err != nil {
			return n, err
		}
		if end >= 0 {
			body := f.out.bytes()
			body, _ = bytes.CutSuffix(body[:len(body)-1], []byte("\r"))
			f.matched, f.bodyEnd = 0, len(body)
		}
		return n, nil
	}
	for n < len(p) && f.matched < len(delimiter) && p[n] == delimiter[f.matched] {
		n++
		f.matched++
	}
	if err := f.out.add(p[:n]); err != nil {
		return n, err
	}
	switch {
	case f.matched == len(delimiter):
		if f.bodyEnd > f.limit-len(f.head) {
			return n, ErrRecordTooLarge
		}
		f.complete(f.bodyEnd, len(p)-n)
		f.endDelimiter()
	case n < len(p):
		f.matched = -1
	}
	return n, nil
}

// readAfterBody reads a byte between a body whose length was known and the delimiter.
func (f *partFramer) readAfterBody(c byte) error {
	delimiter := f.delimiters[0]
	switch {
	case f.matched == 0 && (c == '\r' || c == '\n'):
		return nil
	case c != delimiter[f.matched]:
		return errPartLength
	}
	if f.matched++; f.matched == len(delimiter) {
		f.endDelimiter()
	}
	return nil
}

// complete makes a record of the part. Its body is the first n bytes of what has arrived. rest is how much
// of the chunk is still to be read.
func (f *partFramer) complete(n, rest int) {
	switch {
	case n > 0:
		f.out.complete(0, n, f.header, rest)
	case f.header != nil:
		f.out.completeFields(f.header)
		f.out.drop()
	default:
		f.out.drop()
	}
	f.header = nil
}
