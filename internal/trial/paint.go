package trial

import (
	"strings"
	"unicode/utf8"
)

// Paint colours text for a terminal, or leaves it as it is.
type Paint bool

// The colours of what is printed (ECMA-48, section 8.3.117).
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p Paint) in(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// oneLine makes text fit to stand in one line of a terminal: what an upstream sends must not
// steer it.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// maxText is how many bytes are printed of what an upstream sends: of an answer, of an event.
const maxText = 200

// clip cuts a text to what is printed of it, and says that it did.
func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
