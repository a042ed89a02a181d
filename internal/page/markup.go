package page

import (
	"bytes"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxAttributes bounds those of one element, each of which takes some hundred bytes while the
// element is read.
const maxAttributes = 1000

// markupTag is a tag as it stands in a text.
type markupTag struct {
	start, end int
	depth      int // of the element: 0 for the root
	opens      bool
	closes     bool // an element without content does both
	attributes int  // about
}

// name returns the name of the element, with its prefix.
func (t markupTag) name(text []byte) []byte {
	name := bytes.TrimLeft(text[t.start+1:t.end], "/")
	if i := bytes.IndexAny(name, decode.Space+"/>"); i >= 0 {
		name = name[:i]
	}
	return name
}

// scanMarkup gives visit all tags. It returns an error for markup that no parser should be given:
// nested deeper than value.MaxDepth, or an element with more than maxAttributes.
func scanMarkup(text []byte, visit func(markupTag)) error {
	depth := 0
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '<')
		if i < 0 || at+i+1 == len(text) {
			return nil
		}
		t := markupTag{start: at + i, depth: depth}
		rest := text[t.start+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("!--")):
			at = len(text) - len(after(rest[len("!--"):], "-->"))
			continue
		case bytes.HasPrefix(rest, []byte("![CDATA[")):
			at = len(text) - len(after(rest, "]]>"))
			continue
		case rest[0] == '?':
			at = len(text) - len(after(rest, "?>"))
			continue
		case rest[0] == '!':
			at = t.start + declarationEnd(text[t.start:])
			continue
		case rest[0] == '/':
			depth = max(depth-1, 0)
			t.depth, t.closes = depth, true
			n := bytes.IndexByte(rest, '>') + 1
			if n == 0 {
				n = len(rest)
			}
			at = t.start + 1 + n
		default:
			n, words, closed := tag(rest)
			at = t.start + 1 + n
			t.opens, t.closes, t.attributes = true, closed, words/2
			if words > 2*maxAttributes {
				return fmt.Errorf("an element has more than %d attributes", maxAttributes)
			}
			if !closed {
				depth++
			}
			if depth > value.MaxDepth {
				return fmt.Errorf("the elements are nested deeper than %d", value.MaxDepth)
			}
		}
		t.end = at
		visit(t)
	}
}

// tag returns how long the tag is that text begins with, how many words it has and equals signs,
// two for each attribute, and whether the element has no content.
func tag(text []byte) (n, words int, closed bool) {
	var quote byte
	space := false
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1, words, i > 0 && text[i-1] == '/'
		case c == '=':
			words++
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			space = true
			continue
		case space:
			words++
		}
		space = false
	}
	return len(text), words, false
}

func after(text []byte, mark string) []byte {
	_, text, _ = bytes.Cut(text, []byte(mark))
	return text
}

// declarationEnd returns how long the declaration is that text begins with, and those in it.
func declarationEnd(text []byte) int {
	var quote byte
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<' && bytes.HasPrefix(text[i:], []byte("<!--")):
			i = len(text) - len(after(text[i+len("<!--"):], "-->")) - 1
		case c == '<':
			depth++
		case c == '>':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}
