package page

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxAttributes bounds those of one element, each of which takes some hundred bytes while the
// element is read.
const maxAttributes = 1000

// declaration is an XML declaration, with the encoding that it names.
var declaration = regexp.MustCompile(`^[ \t\r\n]*<\?xml[ \t\r\n][^>]{0,200}?\?>`)

var declaredEncoding = regexp.MustCompile(`[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["']`)

// convertMarkup is convert for XML, whose own declaration counts where neither a byte order mark
// nor the Content-Type says what the text is encoded in (RFC 7303, section 3). The declaration is
// taken off: it is not true of the result.
func convertMarkup(text []byte, h http.Header) []byte {
	converted, told := convert(text, h)
	converted = bytes.TrimPrefix(converted, []byte("\uFEFF"))
	found := declaration.FindIndex(converted)
	if found == nil {
		return converted
	}
	if m := declaredEncoding.FindSubmatch(converted[:found[1]]); m != nil && !told {
		if enc := encodingOf(string(m[1])); enc != nil {
			return toUTF8(converted[found[1]:], enc)
		}
	}
	return converted[found[1]:]
}

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
	if i := bytes.IndexAny(name, jsonSpace+"/>"); i >= 0 {
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

// isHTML reports whether text is a page for people, such as the login that a session which ended
// leads to.
func isHTML(text []byte) bool {
	text = bytes.TrimLeft(text, jsonSpace)
	for _, head := range [...]string{"<!doctype html", "<html"} {
		if len(text) >= len(head) && bytes.EqualFold(text[:len(head)], []byte(head)) {
			return true
		}
	}
	return false
}
