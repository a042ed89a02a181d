package decode

import (
	"bytes"
	"errors"
	"slices"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// charsetFramer converts an answer to UTF-8, and has another framer cut it.
type charsetFramer struct {
	framer      Framer
	contentType string
	begun       bool              // the answer has come so far that its encoding is known
	decoder     *encoding.Decoder // nil: it stays as it is
	held        []byte            // the beginning of a byte order mark or of a character
	text        []byte            // for a piece of the answer in UTF-8
}

// NewCharsetFramer returns a framer that converts an answer as [Text] does, before another framer cuts it. In some
// encodings the bytes of a separator, a quote or a bracket are also parts of other characters.
func NewCharsetFramer(framer Framer, contentType string) Framer {
	return &charsetFramer{framer: framer, contentType: contentType}
}

// Push implements [Framer]. A byte that ends a record after the beginning of a character may have to wait for the next
// one: the decoder of GB18030 looks at four bytes before it says that they are no character.
func (f *charsetFramer) Push(p []byte) ([]Record, error) { return f.push(p, false) }

// Last implements [Framer]. As in [Text], what is left of a character counts as one that cannot be read.
func (f *charsetFramer) Last() []Record {
	var records []Record
	if held := f.held; len(held) > 0 {
		var err error
		if records, err = f.push(nil, true); err != nil {
			f.held = held // it belongs to no record
			return records
		}
	}
	return append(records, f.framer.Last()...)
}

// push converts the next bytes of an answer, of which ended tells that they are its last.
func (f *charsetFramer) push(p []byte, ended bool) (records []Record, err error) {
	if len(f.held) > 0 {
		p = slices.Concat(f.held, p)
		f.held = f.held[:0]
	}
	if f.begun = f.begun || f.begin(p, ended); !f.begun {
		f.held = append(f.held, p...)
		return nil, nil
	}
	if f.decoder == nil {
		return f.framer.Push(p)
	}
	for more := true; more; {
		n, read, short := f.decoder.Transform(f.text, p, ended)
		completed, err := f.framer.Push(f.text[:n])
		if records = append(records, completed...); err != nil {
			return records, err
		}
		p, more = p[read:], errors.Is(short, transform.ErrShortDst)
	}
	f.held = append(f.held, p...)
	return records, nil
}

func (f *charsetFramer) Partial() bool { return len(f.held) > 0 || f.framer.Partial() }

// begin finds out how an answer is encoded that begins with p, and reports whether that is known: ended tells that p is
// all of it.
func (f *charsetFramer) begin(p []byte, ended bool) (known bool) {
	for _, m := range marks {
		if !ended && len(p) < len(m.text) && bytes.HasPrefix(m.text, p) {
			return false
		}
	}
	if enc, _ := encodingFor(p, f.contentType); enc != nil {
		f.decoder, f.text = enc.NewDecoder(), make([]byte, smallRecord)
	}
	return true
}
