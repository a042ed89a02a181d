package ssebridge

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// The fields by which a proxy in front says what its client has asked for.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
	forwardedHost  = "X-Forwarded-Host"
)

var forwardedFields = []string{forwardedFor, forwardedHost, forwardedProto}

// ownVars are the request variables that Caddy sets for each request; all others are operators'.
var ownVars = []string{caddyhttp.ClientIPVarKey, caddyhttp.TrustedProxyVarKey, "start_time", "uuid", "trace_id", "span_id"}

// wants is what the handlers of an upstream take of a client's request, by their configuration.
type wants struct {
	placeholders []string         // the names of those that are resolved when the client comes
	carried      []string         // header fields that handlers read and write, so that polls have the client's
	original     bool             // the URL as the client sent it
	local        bool             // the address that the client has reached
	trusted      [][]netip.Prefix // by reverse_proxy: from whom it keeps X-Forwarded-*; nil if one trusts nobody
	warnings     []string         // what of the configuration does not hold for polls
}

// owner tells what of a request is the poll's own.
type owner struct {
	headers []string // the fields, in their canonical form
	cookie  func(name string) bool
}

// want returns what the handlers of routes take of a client's request. Its error is a *fieldError
// whose path begins with field.
func (r *routesRead) want(field string, own owner) (wants, error) {
	w := wants{original: r.original}
	if !slices.ContainsFunc(r.trusted, func(ranges []netip.Prefix) bool { return len(ranges) == 0 }) {
		w.trusted = r.trusted
	}
	for _, p := range r.placeholders {
		if err := r.refuse(p.name); err != nil {
			path := below(field, p.path)
			return w, &fieldError{path, path, &placeholderError{p.name, err}}
		}
		switch header, isHeader := headerIn(p.name); {
		case strings.HasPrefix(p.name, "http.request.local"):
			w.local = true
		case isHeader && !slices.Contains(own.headers, header) && r.written[header]:
			w.carried = append(w.carried, header)
		case !own.has(p.name):
			w.placeholders = append(w.placeholders, p.name)
		}
	}
	w.warnings = r.warn(own)
	return w, nil
}

// owns is what polls have of their own: what the bridge says, what they keep of the client's header, and
// what edits say.
func (c *compiled) owns() owner {
	own := owner{headers: []string{"Accept", "Accept-Language", "Content-Type", "If-Modified-Since", "If-None-Match", "X-Requested-With"}}
	if !c.elsewhere {
		own.headers = append(own.headers, "Authorization", "Cookie")
	}
	for _, e := range c.headerUp {
		own.headers = append(own.headers, e.name)
	}
	own.cookie = func(name string) bool {
		return !c.elsewhere && (c.cookies == nil || slices.ContainsFunc(*c.cookies, func(kept string) bool { return strings.EqualFold(kept, name) }))
	}
	return own
}

// warnings are those of the upstream and of the steps', each once.
func (c *compiled) warnings() (all []string) {
	for _, plan := range []*compiled{c, c.open, c.wait} {
		if plan == nil {
			continue
		}
		for _, warning := range plan.wants.warnings {
			if !slices.Contains(all, warning) {
				all = append(all, warning)
			}
		}
	}
	return all
}

// placeholderError is what is wrong with a placeholder in the routes of an upstream.
type placeholderError struct {
	name string
	err  error
}

func (e *placeholderError) Error() string { return "{" + e.name + "} " + e.err.Error() }
func (e *placeholderError) Unwrap() error { return e.err }

// refuse says why a placeholder cannot stand in an upstream, and what to write instead.
func (r *routesRead) refuse(name string) error {
	header, _ := headerIn(name)
	switch {
	case strings.HasPrefix(name, "sse."):
		return errors.New("is known to the subdirectives beside `upstream` alone: send it by a `header_up`, `query`, `rewrite` or `body` there")
	case name == "http.request.uuid" || name == "http.vars.uuid":
		return errors.New("is another one for each request, and a poll is made for many clients: write `header_up <name> {sse.id}` beside `upstream`, which is one for all polls that follow one another")
	case name == "http.request.remote" || name == "http.request.remote.port":
		return errors.New("has a port that is another one for each connection: write {http.request.remote.host} for the address alone")
	case strings.HasPrefix(name, "http.request.duration") || name == "http.vars.start_time":
		return errors.New("is of one request, and polls go on for as long as the stream: write {time.now.unix_ms} for the time of the poll")
	case strings.HasPrefix(name, "http.response."):
		return errors.New("is of the answer to a client, and a poll's is none: write {http.reverse_proxy.header.*} for a field that the backend has sent, and put what is meant for clients in front of sse_bridge")
	case !r.tracing && (name == "http.vars.trace_id" || name == "http.vars.span_id"):
		return errors.New("is another one for each request: put `tracing` into the `upstream` block, so that each poll has one")
	case name == "http.error.id" || name == "http.error.trace":
		return errors.New("is another one for each request: leave it out")
	case header == "Last-Event-Id":
		return errors.New("is the place of one client: write `header_up Last-Event-ID {sse.cursor}` beside `upstream`, which is that of the poll")
	}
	return nil
}

// ownPlaceholders are those of the poll itself, of what its upstream sets on the way, and of the
// system. Those that end in a dot stand for all that begin with them.
var ownPlaceholders = []string{
	"env.", "file.", "system.", "time.", "http.shutting_down", "http.time_until_shutdown", "http.reverse_proxy.", "http.intercept.",
	"http.request.method", "http.request.scheme", "http.request.host", "http.request.hostport", "http.request.port", "http.request.host.labels.",
	"http.request.uri", "http.request.uri.", "http.request.uri_escaped", "http.request.body", "http.request.body_base64",
	"http.request.orig_method", "http.request.orig_uri", "http.request.orig_uri.",
}

// has reports whether a placeholder is left to the poll.
func (o owner) has(name string) bool {
	if header, ok := headerIn(name); ok {
		return slices.Contains(o.headers, header)
	}
	if cookie, ok := strings.CutPrefix(name, "http.request.cookie."); ok {
		return o.cookie(cookie)
	}
	if v, ok := strings.CutPrefix(name, "http.vars."); ok {
		return !slices.Contains(ownVars, v) || v == "trace_id" || v == "span_id"
	}
	return slices.ContainsFunc(ownPlaceholders, func(own string) bool {
		return name == own || strings.HasSuffix(own, ".") && strings.HasPrefix(name, own)
	})
}

// headerIn returns the header field that a placeholder reads.
func headerIn(placeholder string) (name string, ok bool) {
	name, ok = strings.CutPrefix(placeholder, "http.request.header.")
	return http.CanonicalHeaderKey(name), ok
}

// upgradeHeaders are of requests that no poll can be.
var upgradeHeaders = []string{"Connection", "Host", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version", "Upgrade"}

// warn says by name which matchers cannot hold for polls as they do for clients, and what is not read.
func (r *routesRead) warn(own owner) (warnings []string) {
	add := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(warnings, text) {
			warnings = append(warnings, text)
		}
	}
	for _, m := range r.matched {
		if !slices.Contains(own.headers, m.name) && !r.written[m.name] && !slices.Contains(upgradeHeaders, m.name) && !slices.Contains(forwardedFields, m.name) {
			add("a matcher looks at the header field %s, which polls do not have: `header_up %[1]s {header.%[1]s}` gives them the client's", m.name)
		}
	}
	for _, name := range r.addresses {
		add("the matcher %s looks at the address of the client, and polls come from nobody (0.0.0.0): match in front of sse_bridge, and keep the outcome in `vars`, which polls have", name)
	}
	for _, module := range r.elsewhere {
		add("%s leads to what is not read here: placeholders in there are those of the poll, not of the client", module)
	}
	return warnings
}

// header reports whether the upstream's handlers take a header field of the client.
func (w wants) header(name string) bool {
	return slices.Contains(w.carried, name) || slices.ContainsFunc(w.placeholders, func(placeholder string) bool {
		header, ok := headerIn(placeholder)
		return ok && header == name
	})
}

// trust reports whether a request came through a trusted proxy: one of the server's, or one that each
// reverse_proxy of the upstream trusts.
func (w wants) trust(r *http.Request) bool {
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
