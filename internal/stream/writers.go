package stream

import (
	"net/http"
	"reflect"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// This file depends on internals of Caddy's handlers: their writers have no exported names.

// netHTTP is net/http's own writer of HTTP/1.
var netHTTP = writerType{"net/http", "response"}

// transparent are the writers that pass on a body as it is, and do nothing to the response after their handlers
// have returned. Recorders may buffer it, which they say; encode may encode it, which the header says. The writer
// of `tracing` is not among them: its type does not say what its hooks do, and a span is to last as long as its
// stream.
var transparent = map[writerType]bool{
	{caddyhttpPath, "IdleTimeoutWriter"}:                         true, // disarm has stopped its deadlines
	{caddyhttpPath, "readDeadlineWriter"}:                        true,
	{caddyhttpPath, "ResponseWriterWrapper"}:                     true,
	{caddyhttpPath, "responseRecorder"}:                          true, // of the access log, metrics, templates, intercept, log_append
	{caddyhttpPath + "/encode", "responseWriter"}:                true,
	{caddyhttpPath + "/headers", "responseWriterWrapper"}:        true, // of deferred operations
	{caddyhttpPath + "/intercept", "interceptedResponseHandler"}: true,
	{caddyhttpPath + "/push", "linkPusher"}:                      true,
}

const caddyhttpPath = "github.com/caddyserver/caddy/v2/modules/caddyhttp"

// writerType names a type of writers, or what its pointers point to.
type writerType struct{ path, name string }

func typeOf(w http.ResponseWriter) writerType {
	t := reflect.TypeOf(w)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return writerType{t.PkgPath(), t.Name()}
}

// unwrapped returns net/http's own writer below a response's writer, if what is written to it directly reaches
// the client as if it were written to w. That is known only after WriteHeader, which decides who buffers and who
// encodes. It reports false for writers that it does not know, and for protocols other than HTTP/1.
func unwrapped(w http.ResponseWriter) (own http.ResponseWriter, ok bool) {
	if w.Header().Get("Content-Encoding") != "" {
		return nil, false
	}
	for {
		of := typeOf(w)
		if of == netHTTP {
			return w, true
		}
		if !transparent[of] {
			return nil, false
		}
		if r, ok := w.(caddyhttp.ResponseRecorder); ok && r.Buffered() {
			return nil, false
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil, false
		}
		w = u.Unwrap()
	}
}

// flusher sends what has been written.
type flusher interface{ FlushError() error }

// flusherOf returns what [http.ResponseController] would call to flush a writer: it would look for it at each event, from a
// frame of its own.
func flusherOf(w http.ResponseWriter) flusher {
	for at := w; ; {
		if f, ok := at.(flusher); ok {
			return f
		}
		u, wraps := at.(interface{ Unwrap() http.ResponseWriter })
		if _, flushes := at.(http.Flusher); flushes || !wraps {
			return controlled{http.NewResponseController(at)}
		}
		at = u.Unwrap()
	}
}

// controlled flushes a writer that does not say whether it could.
type controlled struct{ *http.ResponseController }

func (c controlled) FlushError() error { return c.Flush() }
