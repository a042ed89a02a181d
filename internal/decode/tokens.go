package decode

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// What encoding/xml takes at most for each byte of a token, and for each attribute, while it reads it.
const (
	costOfTokenByte = 3
	costOfAttribute = 120
)

// errTokenTooLarge is a token that takes more memory than its limit.
var errTokenTooLarge = errors.New("a token is too large")

// tokens reads markup by encoding/xml, a token at a time. It reads no further into a token that takes more
// memory than there is, nor into elements that are nested deeper than [value.MaxDepth].
type tokens struct {
	*xml.Decoder

	what    string // is read, for errors
	text    []byte
	at      int
	stop    int  // where the token takes more memory than its limit
	limit   int  // of the token
	tag     bool // the token is one, and has attributes
	longest int  // token
	depth   int  // how many elements are open
}

func newTokens(text []byte, what string) *tokens {
	t := &tokens{what: what, text: text}
	t.Decoder = xml.NewDecoder(t)
	t.Entity = xml.HTMLEntity                                                          // each is a character or two; a document's own are never expanded
	t.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // the text is UTF-8 by now
	return t
}

// ReadByte implements [io.ByteReader], by which the decoder reads no further than the token.
func (t *tokens) ReadByte() (byte, error) {
	if t.at >= t.stop {
		return 0, errTokenTooLarge
	}
	if t.at == len(t.text) {
		return 0, io.EOF
	}
	c := t.text[t.at]
	t.at++
	if t.tag && (c == '=' || c <= ' ' && !t.Strict) { // in strict XML each attribute has a value
		t.stop -= costOfAttribute / costOfTokenByte
	}
	return c, nil
}

// Read implements [io.Reader], and is not called.
func (t *tokens) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// next returns the next token, by one of the decoder's two ways to read it, which may take limit bytes. The
// error is io.EOF behind the last one.
func (t *tokens) next(read func() (xml.Token, error), limit int) (xml.Token, error) {
	start := int(t.InputOffset())
	rest := t.text[start:]
	t.tag = len(rest) > 1 && rest[0] == '<' && rest[1] != '!' && rest[1] != '?'
	t.stop, t.limit = start+limit/costOfTokenByte, limit
	token, err := read()
	if err != nil {
		return nil, t.failed(err)
	}
	t.longest = max(t.longest, int(t.InputOffset())-start)
	switch token.(type) {
	case xml.StartElement:
		if t.depth++; t.depth > value.MaxDepth {
			return nil, fmt.Errorf("the elements are nested deeper than %d", value.MaxDepth)
		}
	case xml.EndElement:
		t.depth--
	}
	return token, nil
}

// failed returns the error for one of the decoder, without the words of the text that may be in it.
func (t *tokens) failed(err error) error {
	var broken *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case errors.Is(err, errTokenTooLarge):
		return errMemory("a tag or a text is very long", t.limit)
	case errors.As(err, &broken) && broken.Msg == "unexpected EOF":
		return fmt.Errorf("%s that ends early", t.what)
	}
	line, _ := t.InputPos()
	if !t.Strict {
		return fmt.Errorf("%s that is broken on line %d", t.what, line)
	}
	return fmt.Errorf("%s that is broken or has entities of its own, on line %d", t.what, line)
}
