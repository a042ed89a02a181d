// Package position turns places in an upstream's sequence into event ids and back.
//
// An id says "everything up to here has been sent". It contains the upstream's own cursor
// and nothing of this process, so any node can continue from it.
package position

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxID is how long an event id may be, in bytes. A longer one is replaced by a hash,
// which only a log can resolve.
const MaxID = 2 << 10

// maxInput bounds an id that comes from a client before anything of it is decoded.
const maxInput = 4 << 10

// Cursor is the upstream's own position: the values of the configured cursors, in the
// order of their names. An empty value is a cursor that the upstream has not given yet.
type Cursor []string

// IsZero reports whether no cursor has a value.
func (c Cursor) IsZero() bool {
	for _, v := range c {
		if v != "" {
			return false
		}
	}
	return true
}

// Equal reports whether both hold the same values. Missing values are empty.
func (c Cursor) Equal(d Cursor) bool {
	if len(c) != len(d) {
		return c.IsZero() && d.IsZero()
	}
	return slices.Equal(c, d)
}

// Position is a place in an upstream's sequence: after Done raw items of the page that
// the upstream answers to Cursor. With Done == 0 it is a border, and the cursor is all of it.
type Position struct {
	Epoch  string // the upstream's incarnation; empty where none is configured
	Cursor Cursor
	Done   int
	Print  Print // of the last raw item that is done; only with Done > 0
}

// IsZero reports whether this is no place at all: that of a newcomer.
func (p Position) IsZero() bool { return p.Done == 0 && p.Epoch == "" && p.Cursor.IsZero() }

// Clone returns p with memory of its own: the strings of a position that was read from an answer
// may hold all of the answer.
func (p Position) Clone() Position {
	p.Epoch = strings.Clone(p.Epoch)
	p.Cursor = slices.Clone(p.Cursor)
	for i, v := range p.Cursor {
		p.Cursor[i] = strings.Clone(v)
	}
	return p
}

// ID returns the event id of p:
//
//	[EPOCH "!"] [VALUE *("," VALUE)] ["~" DONE "." PRINT]
//
// Space, bytes outside printable ASCII and the characters % , ~ ! are percent-encoded
// in its parts. It is empty for the zero Position, and "!" with a hash above [MaxID].
func (p Position) ID() string {
	if p.IsZero() {
		return ""
	}
	var b []byte
	if p.Epoch != "" {
		b = appendEscaped(b, p.Epoch)
		b = append(b, '!')
	}
	if !p.Cursor.IsZero() { // a start cursor is written as nothing, however many names it has
		for i, v := range p.Cursor {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendEscaped(b, v)
		}
	}
	if p.Done > 0 {
		b = append(b, '~')
		b = strconv.AppendInt(b, int64(p.Done), 10)
		b = append(b, '.')
		b = append(b, p.Print.String()...)
	}
	if len(b) > MaxID {
		sum := sha256.Sum256(b)
		return "!" + base64.RawURLEncoding.EncodeToString(sum[:18])
	}
	return string(b)
}

// Hashed reports whether the id of p is a hash, since p is too long for one.
func (p Position) Hashed() bool {
	size := len(p.Epoch)
	for _, v := range p.Cursor {
		size += len(v)
	}
	return size > MaxID/4 && strings.HasPrefix(p.ID(), "!") // an escape takes three bytes
}

// ErrHashed is returned by [Parse] for an id that stands for a cursor too long to be one.
var ErrHashed = errors.New("the id is a hash of a long cursor: only a log that still holds it can place it")

// Parse reads an id that [Position.ID] made for cursors of the given count. The id is
// input from outside: what ID would not have written is an error.
func Parse(id string, cursors int) (Position, error) {
	var p Position
	if len(id) > maxInput {
		return p, fmt.Errorf("the id has %d bytes, more than %d", len(id), maxInput)
	}
	if strings.HasPrefix(id, "!") {
		return p, ErrHashed
	}
	rest := id
	if epoch, r, ok := strings.Cut(rest, "!"); ok {
		var err error
		if p.Epoch, err = unescape(epoch); err != nil {
			return Position{}, err
		}
		rest = r
	}
	rest, tail, within := strings.Cut(rest, "~")
	if within {
		done, print, ok := strings.Cut(tail, ".")
		n, err := strconv.ParseUint(done, 10, 31)
		if !ok || err != nil || n == 0 {
			return Position{}, fmt.Errorf("%q is not a count of items and a fingerprint", tail)
		}
		if p.Print, err = parsePrint(print); err != nil {
			return Position{}, err
		}
		p.Done = int(n)
	}
	values := strings.Split(rest, ",")
	if rest == "" {
		values = make([]string, cursors) // a start cursor
	}
	if len(values) != cursors {
		return Position{}, fmt.Errorf("the id has %d cursors, not %d", len(values), cursors)
	}
	p.Cursor = make(Cursor, cursors)
	for i, v := range values {
		var err error
		if p.Cursor[i], err = unescape(v); err != nil {
			return Position{}, err
		}
	}
	// one spelling per position: ids are compared as strings
	if p.ID() != id || id == "" {
		return Position{}, errors.New("the id is not in its canonical form")
	}
	return p, nil
}

const hex = "0123456789ABCDEF"

func appendEscaped(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || c == '%' || c == ',' || c == '~' || c == '!':
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends within an escape", s)
		}
		hi, lo := strings.IndexByte(hex, s[i+1]), strings.IndexByte(hex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", fmt.Errorf("%q is not an escape", s[i:i+3])
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), nil
}
