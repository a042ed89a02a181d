package page

import (
	"bytes"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// decode makes of a response's body what the format says. Where it lists a set, that is read at once, if there is
// one before to help with it.
func (r *Reader) decode(resp Response, before known) body {
	if resp.Broken != nil {
		return body{err: resp.Broken, raw: true}
	}
	if r.translates() {
		return r.translate(resp)
	}
	text := decode.Text(resp.Body, resp.Header.Get("Content-Type"))
	if err := boundText(text, resp.Body, memoryFor(len(resp.Body))/8*7); err != nil {
		return body{err: err, raw: true, text: resp.Body}
	}
	if r.config.Format == Message {
		return body{text: text, json: r.readsJSON && value.ValidJSON(text), raw: true}
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if r.config.Format == Text && !(r.readsJSON && !r.Accepts(resp.Status)) {
		return body{text: trimNewline(text)}
	}
	if before.fits(r) && r.Accepts(resp.Status) {
		inner := bytes.Trim(text, decode.Space)
		if set := rereadSet(r, inner, before); set != nil {
			return body{text: inner, json: true, set: set}
		}
	}
	return r.decodeJSON(text)
}

// decodeJSON makes JSON of text if it is, and else leaves it as it is.
func (r *Reader) decodeJSON(text []byte) body {
	inner := bytes.Trim(text, decode.Space)
	if value.ValidJSON(inner) {
		return body{text: inner, json: true}
	}
	wrapped := inner
	inner = decode.Unwrap(wrapped)
	if r.config.Format == Auto && !r.needsJSON && called(wrapped) && !bytes.HasPrefix(inner, []byte("{")) && !bytes.HasPrefix(inner, []byte("[")) {
		return body{text: trimNewline(text)} // such as "Users (12)"
	}
	if value.ValidJSON(inner) || len(inner) == 0 && (len(wrapped) == 0 || r.needsJSON || r.config.Format != Auto) {
		return body{text: inner, json: len(inner) > 0}
	}
	return body{text: trimNewline(text)}
}

// called reports whether a text may be a call.
func called(text []byte) bool {
	return bytes.HasSuffix(bytes.TrimRight(text, decode.Space+";"), []byte(")"))
}

// translates reports whether answers are in a format that is not read as it came.
func (r *Reader) translates() bool {
	switch r.config.Format {
	case XML, CSV, Lines, Feed, SocketIO, SockJS:
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
	if r.config.Format == XML || r.config.Format == Feed {
		memory = treeFor(len(resp.Body))
	}
	var text, out []byte
	var err error
	if typ := resp.Header.Get("Content-Type"); r.config.Format == XML || r.config.Format == Feed {
		text = decode.Markup(resp.Body, typ)
	} else {
		text = bytes.TrimPrefix(decode.Text(resp.Body, typ), []byte("\uFEFF"))
	}
	if err := boundText(text, resp.Body, memory/2); err != nil {
		return body{text: text, err: err}
	}
	memory -= ownMemory(text, resp.Body)
	switch accepted := r.Accepts(resp.Status); {
	case len(text) == 0 || r.ignoresSpace() && len(bytes.TrimSpace(text)) == 0:
		return body{}
	case r.config.Format == XML:
		out, err = decode.XML(text, memory)
	case !accepted: // it need not be translated, and might be by accident
		return r.decodeJSON(text)
	case r.config.Format == Feed:
		out, err = decode.Feed(text, memory)
	case r.config.Format == CSV:
		out, err = decode.CSV(text, memory, r.separatorRune(), r.config.Header)
	case r.config.Format == SocketIO:
		out, err = decode.SocketIO(text, memory)
	case r.config.Format == SockJS:
		out, err = decode.SockJS(text, memory)
	case decode.IsHTML(text):
		err = decode.Unexpected(text, "lines were")
	default:
		return body{text: text, raw: true, line: r.readsErrors && value.ValidJSON(bytes.Trim(text, decode.Space))}
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
func (r *Reader) ignoresSpace() bool { return r.config.Format != Lines || r.itemJSON }

// separatorRune is what stands between the cells of a row; 0 where none is configured.
func (r *Reader) separatorRune() rune {
	for _, c := range r.config.Separator {
		return c
	}
	return 0
}
