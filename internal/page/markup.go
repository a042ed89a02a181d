package page

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

const (
	// maxAttributes bounds those of one element, each of which takes some hundred bytes while the
	// element is read.
	maxAttributes = 1000
	// maxFeedElements bounds those of a feed, which is held as a tree before it becomes JSON.
	maxFeedElements = 50_000
)

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
			if again, err := enc.NewDecoder().Bytes(converted[found[1]:]); err == nil {
				return again
			}
		}
	}
	return converted[found[1]:]
}

// boundMarkup returns an error for markup that no parser should be given: nested deeper than
// value.MaxDepth, an element with more than maxAttributes, or more elements than given; 0 is any number.
func boundMarkup(text []byte, elements int) error {
	depth, count := 0, 0
	for {
		i := bytes.IndexByte(text, '<')
		if i < 0 || i+1 == len(text) {
			return nil
		}
		text = text[i+1:]
		switch {
		case bytes.HasPrefix(text, []byte("!--")):
			text = after(text, "-->")
		case bytes.HasPrefix(text, []byte("![CDATA[")):
			text = after(text, "]]>")
		case text[0] == '?':
			text = after(text, "?>")
		case text[0] == '!':
		case text[0] == '/':
			depth = max(depth-1, 0)
		default:
			n, words, closed := tag(text)
			text = text[n:]
			if count++; elements > 0 && count > elements {
				return fmt.Errorf("the answer has more than %d elements", elements)
			}
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
