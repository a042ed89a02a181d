package ssebridge

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

// ServeHTTP serves an event stream to clients that ask for one. All others get the upstream's answer, so
// legacy clients keep the same URL.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.cors.Preflight(w, r) {
		return nil
	}
	w.Header().Add("Vary", "Accept")
	if !wantsStream(r) {
		return h.Upstream.Compile(next).ServeHTTP(w, r)
	}
	h.cors.Grant(w.Header(), r)
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodHead:
		stream.SetHeader(w.Header())
		w.WriteHeader(http.StatusOK)
		return nil
	default:
		return notAllowed(w, r)
	}
	return h.bridge.Serve(w, r)
}

// wantsStream reports whether a request asks for an event stream by name. `*/*` does not.
func wantsStream(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for entry := range strings.SplitSeq(line, ",") {
			kind, params, err := mime.ParseMediaType(entry)
			if err != nil || kind != "text/event-stream" {
				continue
			}
			if q, ok := params["q"]; !ok || strings.Trim(q, "0.") != "" {
				return true
			}
		}
	}
	return false
}

// notAllowed answers a method that has no stream. Polls would repeat the request, and what a client means
// to do once must not be done at each interval (RFC 9110, section 9.2.1).
func notAllowed(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return caddyhttp.Error(http.StatusMethodNotAllowed, fmt.Errorf("opening the stream: method %s is not allowed, because polls would repeat the request", r.Method))
}
