package stream

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// This file depends on internals of Caddy's server.

// disarm stops Caddy from moving the write deadline of a stream at every Write and every Flush
// (`write_idle_timeout`). That costs up to a seventh of a delivery, and the watchdog already ends writes that
// hang. It must be called before the first write.
func disarm(r *http.Request) {
	if _, iw := caddyhttp.IdleTimeoutsFromContext(r.Context()); iw != nil {
		iw.Ctrl = http.NewResponseController(withoutDeadline{iw.ResponseWriter})
	}
}

// withoutDeadline is a writer that does not support deadlines, and hides a writer that does.
type withoutDeadline struct{ w http.ResponseWriter }

func (w withoutDeadline) Header() http.Header         { return w.w.Header() }
func (w withoutDeadline) Write(p []byte) (int, error) { return w.w.Write(p) }
func (w withoutDeadline) WriteHeader(status int)      { w.w.WriteHeader(status) }

// innermost returns net/http's own writer, whose deadlines may be set by any goroutine.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// deadlinesOf returns where the deadlines of writes are set, by any goroutine.
func deadlinesOf(w http.ResponseWriter) connection {
	own := innermost(w)
	if c, ok := own.(connection); ok {
		return c
	}
	return http.NewResponseController(own)
}
