package ssebridge

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// errTooLarge is why an answer over the limit is not read to its end.
var errTooLarge = errors.New("the answer is larger than `limits response` allows")

// answer is the ResponseWriter of a poll: it keeps the upstream's answer in bounded memory. It
// wraps nothing, so that no upstream handler can reach a client through it.
type answer struct {
	header http.Header
	sent   http.Header // the header as it was when the status came
	status int
	body   bytes.Buffer
	limit  int64
	over   bool
	begun  func() // called when the head of an answer comes that is none of an error; nil: nobody wants to know
}

func newAnswer(limit int64) *answer { return &answer{header: make(http.Header), limit: limit} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. Informational answers are passed over.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status, a.sent = status, a.header.Clone()
		if a.begun != nil && status/100 == 2 {
			a.begun()
		}
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if int64(a.body.Len()+len(p)) > a.limit {
		a.over = true
		return 0, errTooLarge
	}
	return a.body.Write(p)
}

// FlushError lets handlers flush, which does nothing here.
func (a *answer) FlushError() error { return nil }

// response returns what came, decoded. status 0 is an upstream that wrote nothing: a 200.
func (a *answer) response() (page.Response, error) {
	a.WriteHeader(http.StatusOK)
	if a.over {
		return page.Response{}, errTooLarge
	}
	body := a.body.Bytes()
	if encoding := a.sent.Get("Content-Encoding"); encoding != "" && len(body) > 0 {
		var err error
		if body, err = decode(encoding, body, a.limit); err != nil {
			return page.Response{}, err
		}
	}
	return page.Response{Status: a.status, Header: a.sent, Body: body}, nil
}

// decode undoes the encoding of an upstream that sends one which was not asked for.
func decode(encoding string, body []byte, limit int64) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "identity":
		return body, nil
	case "gzip", "x-gzip":
	default:
		return nil, fmt.Errorf("the answer has the Content-Encoding %q, which the poll did not ask for", encoding)
	}
	size, err := gunzip(io.Discard, body, limit+1) // so that a bomb takes no memory
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, errTooLarge
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	_, err = gunzip(out, body, size)
	return out.Bytes(), err
}

// gunzip decodes to w, so many bytes at most, and returns how many they were.
func gunzip(w io.Writer, body []byte, most int64) (size int64, err error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		size, err = io.Copy(w, io.LimitReader(z, most))
	}
	if err != nil {
		return 0, fmt.Errorf("decoding the answer's gzip: %w", err)
	}
	return size, nil
}

// Interface guards
var _ http.ResponseWriter = (*answer)(nil)
