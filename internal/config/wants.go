package config

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// The fields in which a proxy in front reports the request of its client.
const (
	forwardedFor   = "X-Forwarded-For"
	ForwardedProto = "X-Forwarded-Proto"
	ForwardedHost  = "X-Forwarded-Host"
)

var ForwardedFields = []string{forwardedFor, ForwardedHost, ForwardedProto}

// OwnVars are the request variables that Caddy sets for each request. Operators set all others.
var OwnVars = []string{caddyhttp.ClientIPVarKey, caddyhttp.TrustedProxyVarKey, "start_time", "uuid", "trace_id", "span_id"}

// Wants is what the handlers of an upstream take from a client's request, according to their configuration.
type Wants struct {
	Placeholders []string         // the names of those that are resolved when the client connects
	Carried      []string         // header fields that handlers both read and write, so polls have the client's
	Original     bool             // the URL as the client sent it
	Local        bool             // the server address that the client connected to
	trusted      [][]netip.Prefix // for each reverse_proxy: from whom it keeps X-Forwarded-*; nil if one of them trusts nobody
	Warnings     []string         // the parts of the configuration that do not work for polls
}

// owner knows which parts of a request polls set themselves.
type owner struct {
	headers []string // the fields, in their canonical form
	cookie  func(name string) bool
}

// placeholderError is the error of a placeholder in the routes of an upstream.
type placeholderError struct {
	name string
	err  error
}

func (e *placeholderError) Error() string { return "{" + e.name + "} " + e.err.Error() }
func (e *placeholderError) Unwrap() error { return e.err }

// ownPlaceholders are the placeholders of the poll itself, of handlers of the upstream, and of the system. One
// that ends in a dot means all placeholders that begin with it.
var ownPlaceholders = []string{
	"env.", "file.", "system.", "time.", "http.shutting_down", "http.time_until_shutdown", "http.reverse_proxy.", "http.intercept.",
	"http.request.method", "http.request.scheme", "http.request.host", "http.request.hostport", "http.request.port", "http.request.host.labels.",
	"http.request.uri", "http.request.uri.", "http.request.uri_escaped", "http.request.body", "http.request.body_base64",
	"http.request.orig_method", "http.request.orig_uri", "http.request.orig_uri.",
}

// has reports whether a placeholder is resolved from the poll.
func (o owner) has(name string) bool {
	if header, ok := headerIn(name); ok {
		return slices.Contains(o.headers, header)
	}
	if cookie, ok := strings.CutPrefix(name, "http.request.cookie."); ok {
		return o.cookie(cookie)
	}
	if v, ok := strings.CutPrefix(name, "http.vars."); ok {
		return !slices.Contains(OwnVars, v) || v == "trace_id" || v == "span_id"
	}
	return slices.ContainsFunc(ownPlaceholders, func(own string) bool {
		return name == own || strings.HasSuffix(own, ".") && strings.HasPrefix(name, own)
	})
}

// upgradeHeaders belong to requests that can never be polls.
var upgradeHeaders = []string{"Connection", "Host", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version", "Upgrade"}

// Header reports whether the upstream's handlers use a header field of the client.
func (w Wants) Header(name string) bool {
	return slices.Contains(w.Carried, name) || slices.ContainsFunc(w.Placeholders, func(placeholder string) bool {
		header, ok := headerIn(placeholder)
		return ok && header == name
	})
}

// Trust reports whether a request came through a trusted proxy: one of the server's, or one that each
// reverse_proxy of the upstream trusts.
func (w Wants) Trust(r *http.Request) bool {
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || len(w.trusted) == 0 {
		return false
	}
	host, _, _ = strings.Cut(host, "%")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, ranges := range w.trusted {
		if !slices.ContainsFunc(ranges, func(prefix netip.Prefix) bool { return prefix.Contains(addr) }) {
			return false
		}
	}
	return true
}
