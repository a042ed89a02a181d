package decode

import (
	"strings"
)

// jsonFramer cuts an answer into JSON values.
type jsonFramer struct {
	out   recordBuffer
	mark  leadingMark
	value jsonScanner
	state jsonFramerState
	array bool // whether an array is open whose elements are records
}

// jsonFramerState is where a [jsonFramer] is.
type jsonFramerState byte

const (
	betweenValues jsonFramerState = iota
	withinValue
	noValue // at what is no JSON
)

// NewJSONFramer returns a framer whose records are JSON values (RFC 8259), as they are written. White
// space, commas and the record separators of RFC 7464 may stand between them. Of an array its elements
// are records, each as soon as it is complete, whether the array ever ends or not. A number or a literal
// is complete with what separates it from the next one.
//
// What is no JSON is an error that says what it is, as [Nature] does.
func NewJSONFramer(limit int) Framer { return &jsonFramer{out: recordBuffer{limit: limit}} }

func (f *jsonFramer) Push(p []byte) ([]Record, error) {
	if f.out.err != nil {
		return nil, f.out.err
	}
	return f.out.end(f.read(f.mark.skip(p)))
}

func (f *jsonFramer) Last() []Record { return nil }

func (f *jsonFramer) Partial() bool { return f.state == withinValue || f.state == noValue }

func (f *jsonFramer) read(p []byte) error {
	for len(p) > 0 {
		n, err := f.next(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// next reads some bytes, and returns how many.
func (f *jsonFramer) next(p []byte) (n int, err error) {
	switch f.state {
	case withinValue:
		return f.within(p)
	case noValue:
		return 1, f.foreign(p[0])
	}
	c := p[0]
	switch {
	case f.separates(c):
		f.array = f.array && c != ']'
	case c == '[' && !f.array:
		f.array = true
	case c == ']' || c == '}' || c == ':':
		return 0, errBrokenJSON
	default:
		f.value.reset()
		if f.value.begin(c) != jsonMore {
			f.state = noValue
			return 0, nil
		}
		f.state = withinValue
		return 1, f.out.addByte(c)
	}
	return 1, nil
}

// separates reports whether c may stand after a value, and belongs to none.
func (f *jsonFramer) separates(c byte) bool {
	return isSpace(c) || c == ',' || c == '\x1e' || c == ']' && f.array
}

// within reads bytes of a value.
func (f *jsonFramer) within(p []byte) (n int, err error) {
	most := min(len(p), f.out.limit-f.out.len())
	for n < most {
		if plain := f.value.plain(p[n:most]); plain > 0 {
			n += plain
			continue
		}
		step := f.value.step(p[n])
		if err := step.err(); err != nil {
			return n, err
		}
		if step != jsonAfter {
			n++
		}
		if step == jsonMore {
			continue
		}
		if err := f.out.add(p[:n]); err != nil {
			return n, err
		}
		if step == jsonAfter && !f.separates(p[n]) {
			return n, errBrokenJSON
		}
		f.state = betweenValues
		f.out.complete(0, f.out.len(), nil, len(p)-n)
		return n, nil
	}
	if err := f.out.add(p[:n]); err != nil || n == len(p) {
		return n, err
	}
	if f.value.step(p[n]) != jsonAfter || !f.separates(p[n]) {
		return n, ErrRecordTooLarge
	}
	f.state = betweenValues
	f.out.complete(0, f.out.len(), nil, len(p)-n)
	return n, nil
}

// foreign reads a byte of what is no JSON, and says what it is as soon as that is sure.
func (f *jsonFramer) foreign(c byte) error {
	if err := f.out.addByte(c); err != nil {
		return err
	}
	text := f.out.bytes()
	if declared := "<?xml"; len(text) < len(declared) && strings.HasPrefix(declared, string(text)) {
		return nil // which may be XML or HTML
	}
	return Unexpected(text, "JSON values were")
}
