// Package decode makes JSON of answers in other formats: XML, RSS, Atom and JSON feeds, CSV, lines, and
// text in any charset. It cuts answers that go on into records. It is pure, and what it returns is new, or
// a part of the text that it was given.
//
// A function that takes a bound on memory takes no more bytes than that at once, beside the text itself
// and for what it returns too. What would take more is an error that names the bound. No error has a word
// of the text in it.
package decode

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// MaxItems is how many rows, lines or entries a text may have.
const MaxItems = 10_000

// ErrTooManyItems is a text that has more than [MaxItems].
var ErrTooManyItems = fmt.Errorf("the page has more than %d items", MaxItems)

// Space are the bytes that are white space in JSON, XML, CSV and their like.
const Space = " \t\r\n"

// isSpace reports whether c is one of [Space].
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// Nature says what a text is that is not in the format that was expected: HTML, XML, broken JSON, or text.
func Nature(text []byte) string {
	text = bytes.Trim(text, Space)
	switch {
	case bytes.HasPrefix(text, []byte("<?xml")):
		return "XML"
	case bytes.HasPrefix(text, []byte("<")):
		return "HTML"
	}
	return brokenNature(text)
}

// ErrHTML is the error of a page for people where data was expected. Those of this package wrap it.
var ErrHTML = errors.New("HTML")

// Unexpected returns the error for a text where something else was expected: "JSON was".
func Unexpected(text []byte, wanted string) error {
	if nature := Nature(text); nature != "HTML" {
		return fmt.Errorf("%s where %s expected", nature, wanted)
	}
	return unexpectedHTML(wanted)
}

// unexpectedHTML returns the error for HTML where something else was expected.
func unexpectedHTML(wanted string) error { return fmt.Errorf("%w where %s expected", ErrHTML, wanted) }

// brokenNature says where text that is not JSON differs from it, if it begins like an array or object.
func brokenNature(text []byte) string {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return "text"
	}
	const broken = "broken JSON"
	depth := 0
	for i, c := range value.Structure(text) {
		switch c {
		case '{', '[':
			if depth++; depth > value.MaxDepth {
				return fmt.Sprintf("JSON that is nested deeper than %d", value.MaxDepth)
			}
		case '}', ']':
			if depth--; depth > 0 {
				continue
			}
			if value.ValidJSON(text[:i+1]) {
				return "JSON with something after it"
			}
			return broken
		}
	}
	return "JSON that ends early"
}

// IsHTML reports whether text is a page for people, such as the login that a session which ended
// leads to.
func IsHTML(text []byte) bool {
	text = bytes.TrimLeft(text, Space)
	for _, head := range [...]string{"<!doctype html", "<html"} {
		if len(text) >= len(head) && bytes.EqualFold(text[:len(head)], []byte(head)) {
			return true
		}
	}
	return false
}

// errMemory is something that takes more memory to read than there is.
func errMemory(what string, memory int) error {
	return fmt.Errorf("%s: reading it takes more than %d bytes: ask the upstream for less", what, memory)
}
