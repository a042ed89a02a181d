package page

import (
	"bytes"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// translates reports whether answers are in a format that is not read as it came.
func (r *Reader) translates() bool {
	switch r.format {
	case XML, CSV, Lines, Feed:
		return true
	}
	return false
}

// translate makes of an answer the JSON that paths look into; lines stay lines, but a single one of
// JSON may be an error, as Kubernetes sends it in a watch. An answer that is in another format is
// decoded as [Auto] would, for the conditions that may know it: errors often come as JSON, whatever was
// asked for. It is no answer to read then.
func (r *Reader) translate(resp Response) body {
	memory := memoryFor(len(resp.Body))
	var text, out []byte
	var err error
	if r.format == XML || r.format == Feed {
		text = convertMarkup(resp.Body, resp.Header)
	} else {
		text, _ = convert(resp.Body, resp.Header)
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	if err := boundText(text, resp.Body, memory/2); err != nil {
		return body{text: text, err: err}
	}
	memory -= ownMemory(text, resp.Body)
	switch accepted := r.accepts(resp.Status); {
	case len(text) == 0 || r.ignoresSpace() && len(bytes.TrimSpace(text)) == 0:
		return body{}
	case r.format == XML:
		out, err = xmlToJSON(text, memory)
	case !accepted: // it need not be translated, and might be by accident
		return r.decodeJSON(text)
	case r.format == Feed:
		out, err = feedToJSON(text, memory)
	case r.format == CSV:
		out, err = csvToJSON(text, memory, r.separatorRune(), r.header)
	case isHTML(text):
		err = errHTMLLines
	default:
		return body{text: text, raw: true, line: r.readsErrors && value.ValidJSON(bytes.Trim(text, jsonSpace))}
	}
	if err != nil {
		b := r.decodeJSON(text)
		b.err = err
		return b
	}
	return body{text: out, json: true}
}

// ignoresSpace reports whether an answer of white space alone is empty. In a text it is blank lines,
// unless its lines are JSON: there it only keeps the connection alive.
func (r *Reader) ignoresSpace() bool { return r.format != Lines || r.itemJSON }

// separatorRune is what stands between the cells of a row; 0 where none is configured.
func (r *Reader) separatorRune() rune {
	for _, c := range r.separator {
		return c
	}
	return 0
}

// ownMemory returns how much memory text takes that is not that of the answer it was made of.
func ownMemory(text, answer []byte) int {
	if len(text) == 0 || len(answer) > 0 && &text[len(text)-1] == &answer[len(answer)-1] {
		return 0
	}
	return len(text)
}

// boundText returns an error for text that was converted to UTF-8 and takes more memory than that.
func boundText(text, answer []byte, memory int) error {
	if own := ownMemory(text, answer); own > memory {
		return fmt.Errorf("the answer has %d bytes in UTF-8, more than the %d that there are to read it: ask the upstream for less", own, memory)
	}
	return nil
}
