package decode

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

var (
	errBrokenJSON = errors.New("broken JSON where JSON values were expected")
	errDeepJSON   = fmt.Errorf("JSON that is nested deeper than %d where JSON values were expected", value.MaxDepth)
)

// jsonScanner reads one JSON value (RFC 8259), byte by byte. Begin with its first byte, which is no white
// space.
type jsonScanner struct {
	state   jsonState
	open    []byte // the brackets and braces that are open
	key     bool   // whether the string that is read is a key
	literal string // what is left of true, false or null
	hex     int    // how many digits of \uXXXX are left
}

// jsonState is what a [jsonScanner] expects.
type jsonState byte

const (
	jsonValue      jsonState = iota
	jsonFirstValue           // or the end of an array
	jsonFirstKey             // or the end of an object
	jsonKey
	jsonColon
	jsonComma // or the end of the array or object
	jsonString
	jsonEscape
	jsonHex
	jsonLiteral
	jsonMinus // a number ends in none of these: after a minus, a point, an e, and its sign
	jsonPoint
	jsonExponent
	jsonExponentSign
	jsonZero // and in one of these
	jsonInteger
	jsonFraction
	jsonExponentDigits
)

// jsonStep is what a byte means to a value.
type jsonStep byte

const (
	jsonMore      jsonStep = iota // it belongs to the value, which is not complete
	jsonLast                      // it is the value's last one
	jsonAfter                     // the value was complete before it: a number or a literal, not in any array or object
	jsonBroken                    // it cannot stand here
	jsonTooNested                 // it makes the value deeper than [value.MaxDepth]
)

// err returns what is wrong with a step; nil for nothing.
func (s jsonStep) err() error {
	switch s {
	case jsonBroken:
		return errBrokenJSON
	case jsonTooNested:
		return errDeepJSON
	}
	return nil
}

// reset makes the scanner expect a value.
func (s *jsonScanner) reset() { s.state, s.open = jsonValue, s.open[:0] }

// inString reports whether the value has come to within a string.
func (s *jsonScanner) inString() bool {
	return s.state == jsonString || s.state == jsonEscape || s.state == jsonHex
}

// plain returns how many bytes p begins with that only go on with the string that is read.
func (s *jsonScanner) plain(p []byte) int {
	if s.state != jsonString {
		return 0
	}
	for i, c := range p {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(p)
}

// step reads a byte.
func (s *jsonScanner) step(c byte) jsonStep {
	switch s.state {
	case jsonString, jsonEscape, jsonHex:
		return s.inText(c)
	case jsonLiteral:
		if s.literal != "" {
			if c != s.literal[0] {
				return jsonBroken
			}
			s.literal = s.literal[1:]
			return jsonMore
		}
		return s.afterScalar(c)
	}
	if s.state >= jsonMinus {
		return s.inNumber(c)
	}
	if isSpace(c) {
		return jsonMore
	}
	switch s.state {
	case jsonFirstValue, jsonValue:
		if c == ']' && s.state == jsonFirstValue {
			return s.close(c)
		}
		return s.begin(c)
	case jsonFirstKey, jsonKey:
		switch {
		case c == '}' && s.state == jsonFirstKey:
			return s.close(c)
		case c != '"':
			return jsonBroken
		}
		s.state, s.key = jsonString, true
		return jsonMore
	case jsonColon:
		if c != ':' {
			return jsonBroken
		}
		s.state = jsonValue
		return jsonMore
	}
	return s.afterValue(c)
}

// begin reads the first byte of a value.
func (s *jsonScanner) begin(c byte) jsonStep {
	switch c {
	case '{', '[':
		if len(s.open) == value.MaxDepth {
			return jsonTooNested
		}
		s.open = append(s.open, c)
		if s.state = jsonFirstKey; c == '[' {
			s.state = jsonFirstValue
		}
	case '"':
		s.state, s.key = jsonString, false
	case 't':
		s.state, s.literal = jsonLiteral, "rue"
	case 'f':
		s.state, s.literal = jsonLiteral, "false"[1:]
	case 'n':
		s.state, s.literal = jsonLiteral, "ull"
	case '-':
		s.state = jsonMinus
	case '0':
		s.state = jsonZero
	default:
		if !isDigit(c) {
			return jsonBroken
		}
		s.state = jsonInteger
	}
	return jsonMore
}

// inText reads a byte of a string.
func (s *jsonScanner) inText(c byte) jsonStep {
	switch {
	case s.state == jsonEscape:
		switch {
		case c == 'u':
			s.state, s.hex = jsonHex, 4
		case bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0:
			s.state = jsonString
		default:
			return jsonBroken
		}
	case s.state == jsonHex:
		if !isHex(c) {
			return jsonBroken
		}
		if s.hex--; s.hex == 0 {
			s.state = jsonString
		}
	case c == '\\':
		s.state = jsonEscape
	case c == '"' && s.key:
		s.state = jsonColon
	case c == '"':
		return s.complete()
	case c < ' ':
		return jsonBroken
	}
	return jsonMore
}

// inNumber reads a byte of a number, or what follows it.
func (s *jsonScanner) inNumber(c byte) jsonStep {
	next := s.state
	switch s.state {
	case jsonMinus:
		if next = jsonInteger; c == '0' {
			next = jsonZero
		}
	case jsonPoint, jsonFraction:
		next = jsonFraction
	case jsonExponent, jsonExponentSign, jsonExponentDigits:
		next = jsonExponentDigits
	}
	switch {
	case isDigit(c) && s.state != jsonZero:
		s.state = next
	case c == '.' && (s.state == jsonZero || s.state == jsonInteger):
		s.state = jsonPoint
	case c|0x20 == 'e' && (s.state == jsonZero || s.state == jsonInteger || s.state == jsonFraction):
		s.state = jsonExponent
	case (c == '+' || c == '-') && s.state == jsonExponent:
		s.state = jsonExponentSign
	case s.state < jsonZero:
		return jsonBroken
	default:
		return s.afterScalar(c)
	}
	return jsonMore
}

// afterScalar reads the byte after a number or a literal.
func (s *jsonScanner) afterScalar(c byte) jsonStep {
	if len(s.open) == 0 {
		return jsonAfter
	}
	if s.state = jsonComma; isSpace(c) {
		return jsonMore
	}
	return s.afterValue(c)
}

// afterValue reads what follows a value in an array or object.
func (s *jsonScanner) afterValue(c byte) jsonStep {
	if c != ',' {
		return s.close(c)
	}
	if s.state = jsonKey; s.open[len(s.open)-1] == '[' {
		s.state = jsonValue
	}
	return jsonMore
}

// close reads the end of an array or object.
func (s *jsonScanner) close(c byte) jsonStep {
	last := len(s.open) - 1
	if c != s.open[last]+2 { // as far from [ to ] as from { to }
		return jsonBroken
	}
	s.open = s.open[:last]
	return s.complete()
}

// complete ends a value.
func (s *jsonScanner) complete() jsonStep {
	if len(s.open) == 0 {
		return jsonLast
	}
	s.state = jsonComma
	return jsonMore
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
