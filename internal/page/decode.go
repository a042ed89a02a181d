package page

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

const jsonSpace = " \t\r\n"

// body is the decoded body of an answer.
type body struct {
	text []byte // in UTF-8, if the upstream told the truth about its charset
	json bool   // text is valid JSON
	line bool   // text is a single line, of JSON
	raw  bool   // white space counts
	err  error  // why text is not in the configured format, as an answer must be
}

func (b body) empty() bool {
	return len(b.text) == 0 || !b.raw && len(bytes.TrimSpace(b.text)) == 0
}

// decode makes of a response's body what the format says.
func (r *Reader) decode(resp Response) body {
	if resp.Broken != nil {
		return body{err: resp.Broken, raw: true}
	}
	if r.translates() {
		return r.translate(resp)
	}
	text, _ := convert(resp.Body, resp.Header)
	if err := boundText(text, resp.Body, memoryFor(len(resp.Body))/8*7); err != nil {
		return body{err: err, raw: true, text: resp.Body}
	}
	if r.format == Message {
		return body{text: text, json: r.readsJSON && value.ValidJSON(text), raw: true}
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if r.format == Text && !(r.readsJSON && !r.accepts(resp.Status)) {
		return body{text: trimNewline(text)}
	}
	return r.decodeJSON(text)
}

// decodeJSON makes JSON of text if it is, and else leaves it as it is.
func (r *Reader) decodeJSON(text []byte) body {
	inner := bytes.Trim(text, jsonSpace)
	if value.ValidJSON(inner) {
		return body{text: inner, json: true}
	}
	wrapped := inner
	if unguarded, ok := cutGuard(inner); ok {
		inner = unguarded
	} else if argument, ok := cutCall(inner); ok {
		inner = argument
	}
	if value.ValidJSON(inner) || len(inner) == 0 && (len(wrapped) == 0 || r.needsJSON || r.format != Auto) {
		return body{text: inner, json: len(inner) > 0}
	}
	return body{text: trimNewline(text)}
}

// convert converts text to UTF-8: from the encoding that a byte order mark shows, or else
// the Content-Type names; told is false if neither does. What it cannot make sense of stays as it
// is.
func convert(text []byte, h http.Header) (_ []byte, told bool) {
	var enc encoding.Encoding
	switch {
	case bytes.HasPrefix(text, []byte("\uFEFF")):
		return text, true
	case bytes.HasPrefix(text, []byte{0xFE, 0xFF}):
		enc = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(text, []byte{0xFF, 0xFE}):
		enc = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	default:
		_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
		if err != nil || params["charset"] == "" {
			return text, false
		}
		if enc = encodingOf(params["charset"]); enc == nil {
			return text, true
		}
	}
	return toUTF8(text, enc), true
}

// toUTF8 converts text. It goes through it twice, since a buffer that grows is held up to
// three times. Three bytes are the most that a character of another encoding's one byte takes.
func toUTF8(text []byte, enc encoding.Encoding) []byte {
	size, err := io.Copy(io.Discard, enc.NewDecoder().Reader(bytes.NewReader(text)))
	if err != nil {
		return text
	}
	converted := make([]byte, size)
	if _, err := io.ReadFull(enc.NewDecoder().Reader(bytes.NewReader(text)), converted); err != nil {
		return text
	}
	return bytes.TrimPrefix(converted, []byte("\uFEFF"))
}

// encodingOf returns the encoding that is called so, or nil for UTF-8 and for none.
func encodingOf(name string) encoding.Encoding {
	enc, err := htmlindex.Get(strings.Trim(name, `'" `))
	if err != nil || enc == unicode.UTF8 || enc == encoding.Replacement {
		return nil
	}
	return enc
}

// trimNewline takes off one newline at the end.
func trimNewline(text []byte) []byte {
	text, found := bytes.CutSuffix(text, []byte("\n"))
	if t, ok := bytes.CutSuffix(text, []byte("\r")); ok || found {
		return t
	}
	return text
}

// guards are what backends put before JSON so that a script element cannot read it.
var guards = [...]string{
	"for(;;);", "for (;;);", "while(1);", "while (1);", "while(true);", "while (true);",
	")]}',", ")]}'", "])}while(1);</x>", "&&&START&&&", "{}&&", "{} &&", "throw 1;",
}

// cutGuard takes off what guards JSON against hijacking.
func cutGuard(text []byte) ([]byte, bool) {
	for _, g := range guards {
		if rest, ok := bytes.CutPrefix(text, []byte(g)); ok {
			return bytes.TrimLeft(rest, jsonSpace), true
		}
	}
	return text, false
}

// callHead is the beginning of a JSONP answer: /**/ cb( and, as Express writes it,
// /**/ typeof cb === 'function' && cb(
var callHead = regexp.MustCompile(`^(?s:/\*.*?\*/)?\s*(?:(?:typeof\s+)?[\w$.\[\]'"]+\s*(?:={2,3}\s*['"]function['"]\s*)?&&\s*)?[A-Za-z_$][\w$.\[\]'"]*\s*\(`)

// cutCall returns the argument of a JSONP call.
func cutCall(text []byte) ([]byte, bool) {
	head := callHead.FindIndex(text[:min(len(text), 1<<10)])
	if head == nil {
		return text, false
	}
	text = bytes.TrimRight(text[head[1]:], jsonSpace+";")
	text, ok := bytes.CutSuffix(text, []byte(")"))
	return bytes.Trim(text, jsonSpace), ok
}

// nature says what the body is that is not JSON, and nothing of what is in it.
func (b body) nature() string {
	text := bytes.Trim(b.text, jsonSpace)
	switch {
	case bytes.HasPrefix(text, []byte("<?xml")):
		return "XML"
	case bytes.HasPrefix(text, []byte("<")):
		return "HTML"
	}
	return brokenNature(text)
}

// brokenNature says where text that is not JSON differs from it, if it begins like an array or object.
func brokenNature(text []byte) string {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return "text"
	}
	const broken = "broken JSON"
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > value.MaxDepth {
				return fmt.Sprintf("JSON that is nested deeper than %d", value.MaxDepth)
			}
		case c == '}' || c == ']':
			if depth--; depth > 0 {
				continue
			}
			if value.ValidJSON(text[:i+1]) {
				return "JSON with something behind it"
			}
			return broken
		}
	}
	return "JSON that ends early"
}
