package decode

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scriptString makes a JSON string of a string literal of JavaScript (ECMA-262, section 12.9.4), byte by
// byte after its first quote. What is JSON in it stays as it is written.
type scriptString struct {
	quote  byte
	state  scriptStringState
	digits int    // how many hexadecimal ones are left
	code   rune   // of \u{…}
	out    []byte // what the last byte has come to
}

// scriptStringState is where a [scriptString] is.
type scriptStringState byte

const (
	inScriptText scriptStringState = iota
	inScriptEscape
	inScriptHex
	atScriptUnicode
	inScriptCode       // \u{
	afterScriptNull    // \0, which no digit may follow
	afterScriptNewline // a backslash and CR, to which LF belongs
)

// step reads a byte. It returns what it adds to the JSON, which is valid up to the next step, and whether
// it is the last one, or breaks the string.
func (s *scriptString) step(c byte) ([]byte, jsonStep) {
	s.out = s.out[:0]
	switch s.state {
	case inScriptEscape:
		return s.escaped(c)
	case atScriptUnicode:
		if c == '{' {
			s.state, s.code, s.digits = inScriptCode, 0, 0
			return nil, jsonMore
		}
		s.out = append(s.out, `\u`...)
		s.state, s.digits = inScriptHex, 4
		return s.hex(c)
	case inScriptHex:
		return s.hex(c)
	case inScriptCode:
		return s.codePoint(c)
	}
	after := s.state
	s.state = inScriptText
	switch {
	case after == afterScriptNull && isDigit(c):
		return nil, jsonBroken
	case after == afterScriptNewline && c == '\n':
		return nil, jsonMore
	case c == s.quote:
		return append(s.out, '"'), jsonLast
	case c == '\\':
		s.state = inScriptEscape
		return nil, jsonMore
	case c == '\n' || c == '\r':
		return nil, jsonBroken
	}
	s.out = appendEscaped(s.out, []byte{c})
	return s.out, jsonMore
}

// escaped reads the byte after a backslash.
func (s *scriptString) escaped(c byte) ([]byte, jsonStep) {
	s.state = inScriptText
	switch {
	case bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0:
		s.out = append(s.out, '\\', c)
	case c == 'v':
		s.out = append(s.out, `\u000b`...)
	case c == '0':
		s.out = append(s.out, `\u0000`...)
		s.state = afterScriptNull
	case c == 'x':
		s.out = append(s.out, `\u00`...)
		s.state, s.digits = inScriptHex, 2
	case c == 'u':
		s.state = atScriptUnicode
	case c == '\n':
	case c == '\r':
		s.state = afterScriptNewline
	case isDigit(c):
		return nil, jsonBroken
	default:
		s.out = appendEscaped(s.out, []byte{c})
	}
	return s.out, jsonMore
}

// hex reads a digit of \xXX or \uXXXX.
func (s *scriptString) hex(c byte) ([]byte, jsonStep) {
	if !isHex(c) {
		s.state = inScriptText
		return nil, jsonBroken
	}
	if s.digits--; s.digits == 0 {
		s.state = inScriptText
	}
	s.out = append(s.out, c)
	return s.out, jsonMore
}

// codePoint reads a byte of \u{…}.
func (s *scriptString) codePoint(c byte) ([]byte, jsonStep) {
	switch {
	case c == '}' && s.digits > 0:
		s.state = inScriptText
		if utf16.IsSurrogate(s.code) {
			const digits = "0123456789abcdef"
			return append(s.out, '\\', 'u', 'd', digits[s.code>>8&15], digits[s.code>>4&15], digits[s.code&15]), jsonMore
		}
		s.out = appendEscaped(s.out, utf8.AppendRune(nil, s.code))
		return s.out, jsonMore
	case !isHex(c):
		return nil, jsonBroken
	}
	digit := rune(c - '0')
	if !isDigit(c) {
		digit = rune(c|0x20-'a') + 10
	}
	s.digits = 1
	if s.code = s.code<<4 | digit; s.code > utf8.MaxRune {
		return nil, jsonBroken
	}
	return nil, jsonMore
}
