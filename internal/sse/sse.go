// Package sse writes the text/event-stream format of the WHATWG HTML standard,
// section 9.2 (Server-sent events).
//
// All functions append to a byte slice, so a batch of events is one allocation and
// one write.
package sse

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendEvent appends one event and the empty line that dispatches it.
//
// Data is split at CRLF, CR and LF, as section 9.2.6 reads it; invalid UTF-8 and
// NUL become U+FFFD. Characters that cannot stand in typ are dropped. An empty typ
// writes no "event:" line, which makes a "message". An empty id, or one with CR, LF, NUL or
// invalid UTF-8, writes no "id:" line: an empty one would reset the client's last event id.
// The id is the last field, so that a cut within an event never advances it.
func AppendEvent(dst []byte, typ string, data []byte, id string) []byte {
	if typ = Line(typ); typ != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, typ...)
		dst = append(dst, '\n')
	}
	dst = appendData(dst, data)
	if id != "" && !strings.ContainsAny(id, "\r\n\x00") && utf8.ValidString(id) {
		dst = append(dst, "id: "...)
		dst = append(dst, id...)
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}

// AppendComment appends a comment, which clients ignore. An empty text makes the
// shortest keep-alive there is.
func AppendComment(dst []byte, text string) []byte {
	dst = append(dst, ':')
	if text = Line(text); text != "" {
		dst = append(dst, ' ')
		dst = append(dst, text...)
	}
	return append(dst, "\n\n"...)
}

// AppendRetry appends a "retry:" line, in whole milliseconds. It dispatches nothing and
// ends nothing: the fields of an event may follow it.
func AppendRetry(dst []byte, d time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, max(d.Milliseconds(), 1), 10)
	return append(dst, '\n')
}

func appendData(dst, data []byte) []byte {
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	if bytes.IndexByte(data, 0) >= 0 {
		data = bytes.ReplaceAll(data, []byte{0}, []byte("\uFFFD"))
	}
	for {
		dst = append(dst, "data: "...)
		i := bytes.IndexAny(data, "\r\n")
		if i < 0 {
			dst = append(dst, data...)
			return append(dst, '\n')
		}
		dst = append(dst, data[:i]...)
		dst = append(dst, '\n')
		if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
		data = data[i+1:]
	}
}

// Line makes s fit to stand in one line of UTF-8: it is what clients get of a type or a comment.
func Line(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") && utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
