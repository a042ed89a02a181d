package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// want returns what the handlers of routes take of a client's request. Its error is a *fieldError
// whose path begins with field.
func (r *routesRead) want(field string, own owner) (Wants, error) {
	w := Wants{Original: r.original}
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
			w.Local = true
		case isHeader && !slices.Contains(own.headers, header) && r.written[header]:
			w.Carried = append(w.Carried, header)
		case !own.has(p.name):
			w.Placeholders = append(w.Placeholders, p.name)
		}
	}
	w.Warnings = r.warn(own)
	return w, nil
}

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

// headerIn returns the header field that a placeholder reads.
func headerIn(placeholder string) (name string, ok bool) {
	name, ok = strings.CutPrefix(placeholder, "http.request.header.")
	return http.CanonicalHeaderKey(name), ok
}

// warn says by name which matchers cannot hold for polls as they do for clients, and what is not read.
func (r *routesRead) warn(own owner) (warnings []string) {
	add := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(warnings, text) {
			warnings = append(warnings, text)
		}
	}
	for _, m := range r.matched {
		if !slices.Contains(own.headers, m.name) && !r.written[m.name] && !slices.Contains(upgradeHeaders, m.name) && !slices.Contains(ForwardedFields, m.name) {
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
