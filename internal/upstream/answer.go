package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// unendedError is the error of an answer that has begun, and has not ended in time.
type unendedError struct {
	status int
	size   int  // what has come of its body, in bytes
	again  bool // it is more than the beginning of one
	within time.Duration
	poll   bool // it is that of a poll, not of a step
}

func (e *unendedError) Error() string {
	text := fmt.Sprintf("the answer has begun, with %d bytes, and has not ended within %s", e.size, e.within)
	if e.poll {
		text += ": if it goes on, `stream` reads it"
	}
	return text
}

// errTooLarge is the error of an answer that is larger than the limit.
var errTooLarge = errors.New("the answer is larger than `limits response` allows")

// Answer is the ResponseWriter of a poll: it keeps the upstream's answer in bounded memory. It wraps no other
// writer, so upstream handlers cannot reach a client through it.
type Answer struct {
	Fields   http.Header
	sent     http.Header // the header at the time of the status
	Status   int
	body     bytes.Buffer
	limit    int64
	over     bool
	unpacker *unpacker
	ending   *ending // of its request; nil: the bridge does not end it
	begun    func()  // called when the head of an answer without an error comes; nil: not needed
	head     bool    // the answer to a HEAD
	live     ongoing // where it comes out if it goes on; nil: it is kept
	goesOn   bool
	made     time.Time // before it is asked for
	came     time.Time // when its head came
	parts    int       // in how many writes it has come, those of blanks aside
}

// ongoing takes an answer that goes on.
type ongoing interface {
	head(a *Answer) (goesOn bool)
	write(p []byte) (int, error)
}

func NewAnswer(limit int64) *Answer { return newAnswer(limit, new(unpacker)) }

func newAnswer(limit int64, u *unpacker) *Answer {
	return &Answer{Fields: make(http.Header), limit: limit, unpacker: u, made: time.Now()}
}

// Header implements http.ResponseWriter.
func (a *Answer) Header() http.Header { return a.Fields }

// WriteHeader implements http.ResponseWriter. Informational answers are skipped.
func (a *Answer) WriteHeader(status int) {
	if a.Status == 0 && status >= 200 {
		a.Status, a.sent, a.came = status, a.Fields.Clone(), time.Now()
		a.ending.answers()
		a.goesOn = a.live != nil && a.live.head(a)
		if a.begun != nil && status/100 == 2 {
			a.begun()
		}
	}
}

// Write implements http.ResponseWriter.
func (a *Answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.goesOn {
		return a.live.write(p)
	}
	if a.over || int64(a.body.Len()+len(p)) > a.limit {
		a.over = true
		if a.ending == nil {
			return 0, errTooLarge
		}
		a.ending.because(errTooLarge) // reverse_proxy would log the request of an answer that it cannot write
		return len(p), nil
	}
	if len(bytes.TrimSpace(p)) > 0 {
		a.parts++
	}
	return a.body.Write(p)
}

// again reports whether the answer has brought more than the beginning of one, such as a first line of JSON, or two
// lines of text. Some upstreams begin a list, and hold the request then; their blanks, compressed, are none.
func (a *Answer) again() bool {
	text := bytes.TrimSpace(a.text())
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if value.ValidJSON(bytes.TrimSpace(line)) || a.parts > 1 && a.sent.Get("Content-Encoding") == "" {
		return true
	}
	return len(rest) > 0 && text[0] != '{' && text[0] != '['
}

// GoesOn reports whether the answer goes on, so that it is not kept.
func (a *Answer) GoesOn() bool { return a.goesOn }

// FlushError lets handlers flush, which does nothing here: each write of an answer that goes on is passed on.
func (a *Answer) FlushError() error { return nil }

// broken is the error of an answer that has not come, or not as a whole.
func (a *Answer) broken(err error) *page.Error {
	failed := &page.Error{Comment: page.Unreachable, Err: err}
	if a.Status != 0 {
		failed.Cause = page.BrokenOff
	}
	return failed
}

// told returns how many bytes of the answer have come, decoded, if they say anything. Blanks do not: some upstreams
// send them while they hold a request.
func (a *Answer) told() int {
	body := a.text()
	if len(bytes.TrimSpace(body)) == 0 {
		return 0
	}
	return len(body)
}

// text returns what has come of the body, decoded.
func (a *Answer) text() []byte {
	body := a.body.Bytes()
	if encoding := strings.ToLower(a.sent.Get("Content-Encoding")); encoding == "gzip" || encoding == "x-gzip" {
		var text bytes.Buffer
		_, _ = a.unpacker.gunzipTo(&text, body, a.limit) // it ends too soon
		body = text.Bytes()
	}
	return body
}

// whole reports whether the answer is known to have come as a whole, though its handler may not have returned.
func (a *Answer) whole() bool {
	if a.Status != 0 && a.bodyless() {
		return true
	}
	want, ok := contentLength(a.sent)
	return ok && int64(a.body.Len()) >= want
}

// contentLength returns how many bytes the body of an answer has, as its header says; ok is false if it does not.
func contentLength(header http.Header) (size int64, ok bool) {
	text := header.Get("Content-Length")
	if text == "" { // the error of parsing it would cost more than all else here
		return 0, false
	}
	size, err := strconv.ParseInt(text, 10, 64)
	return size, err == nil
}

// Response returns the answer, decoded. Status 0 means that the upstream wrote nothing, which is a 200.
func (a *Answer) Response() (page.Response, error) {
	a.WriteHeader(http.StatusOK)
	if a.over {
		return page.Response{}, errTooLarge
	}
	resp := page.Response{Status: a.Status, Header: a.sent, Body: a.body.Bytes(), Took: a.came.Sub(a.made)}
	if encoding := strings.Join(a.sent.Values("Content-Encoding"), ", "); encoding != "" && !a.bodyless() {
		var err error
		if resp.Body, err = a.unpacker.decompress(encoding, resp.Body, a.limit); errors.Is(err, errTooLarge) {
			return page.Response{}, err
		}
		resp.Broken = err
	}
	return resp, nil
}

// bodyless reports whether an answer has no body, regardless of its header (RFC 9110, section 6.4.1).
func (a *Answer) bodyless() bool {
	switch a.Status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return a.head
}

// Interface guards
var _ http.ResponseWriter = (*Answer)(nil)
