//go:build unix

package main

import (
	"net/http"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/wire"
)

// sides is the traffic of the page's two sides, as one of the wires sees it.
type sides struct{ ajax, stream wire.Traffic }

// fromClients sorts requests of browsers and of added clients.
func (s *sides) fromClients(r *http.Request) *wire.Traffic {
	switch {
	case r.Method != http.MethodGet || r.URL.Path != "/messages":
		return nil
	case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		return &s.stream
	}
	return &s.ajax
}

// fromCaddy sorts polls that reach the backend: the bridge's own, and those that Caddy passes on.
func (s *sides) fromCaddy(r *http.Request) *wire.Traffic {
	switch {
	case r.Method != http.MethodGet || r.URL.Path != "/messages":
		return nil
	case r.UserAgent() == "sse_bridge":
		return &s.stream
	}
	return &s.ajax
}
