// Package wire writes and reads the binary fields of what nodes tell one another.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCut means that a text ends too early, or that something in it cannot be.
var ErrCut = errors.New("it is cut off, or something else")

// AppendString appends a string behind its length, for [Scanner].
func AppendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Scanner reads what was appended, in the same order. After an error, all that it returns is zero.
type Scanner struct {
	rest []byte
	err  error
}

// NewScanner returns a scanner of a text. What it returns shares memory with that.
func NewScanner(text []byte) *Scanner { return &Scanner{rest: text} }

// Err returns the first error, or [ErrCut] if something is left.
func (s *Scanner) Err() error {
	if s.err == nil && len(s.rest) > 0 {
		return fmt.Errorf("%d bytes are left: %w", len(s.rest), ErrCut)
	}
	return s.err
}

// Fail notes that what was read cannot be.
func (s *Scanner) Fail(err error) {
	if s.err == nil {
		s.err, s.rest = err, nil
	}
}

// Len returns how many bytes are left.
func (s *Scanner) Len() int { return len(s.rest) }

// Bytes returns the next n bytes.
func (s *Scanner) Bytes(n int) []byte {
	if n < 0 || n > len(s.rest) {
		s.Fail(ErrCut)
		return nil
	}
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// Byte returns the next byte.
func (s *Scanner) Byte() byte {
	if b := s.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint returns a number that was appended with [binary.AppendUvarint].
func (s *Scanner) Uint() uint64 {
	n, size := binary.Uvarint(s.rest)
	if size <= 0 {
		s.Fail(ErrCut)
		return 0
	}
	s.rest = s.rest[size:]
	return n
}

// Count returns a number of things that take a byte each at least.
func (s *Scanner) Count() int {
	n := s.Uint()
	if n > uint64(len(s.rest)) {
		s.Fail(ErrCut)
		return 0
	}
	return int(n)
}

// Text returns what [AppendString] has appended.
func (s *Scanner) Text() []byte { return s.Bytes(s.Count()) }
