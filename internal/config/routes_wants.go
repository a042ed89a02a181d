package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// want returns what the handlers of routes take from a client's request. Its error is a *fieldError whose path
// begins with field.
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

// refuse returns why a placeholder cannot be used in an upstream, and what to write instead.
func (r *routesRead) refuse(name string) error {
	header, _ := headerIn(name)
	switch {
	case strings.HasPrefix(name, "sse."):
		return errors.New("is known only in the subdirectives beside `upstream`: send it with `header_up`, `query`, `rewrite` or `body` there")
	case name == "http.request.uuid" || name == "http.vars.uuid":
		return errors.New("differs for each request, and one poll serves many clients: write `header_up <name> {sse.id}` beside `upstream`; it is the same for all polls that follow one another")
	case name == "http.request.remote" || name == "http.request.remote.port":
		return errors.New("contains a port that differs for each connection: write {http.request.remote.host} for only the address")
	case strings.HasPrefix(name, "http.request.duration") || name == "http.vars.start_time":
		return errors.New("belongs to one request, but polls continue as long as the stream: write {time.now.unix_ms} for the time of the poll")
	case strings.HasPrefix(name, "http.response."):
		return errors.New("belongs to the answer to a client, and a poll has no client: write {http.reverse_proxy.header.*} for a field that the backend sent, and put handlers that are meant for clients in front of sse_bridge")
	case !r.tracing && (name == "http.vars.trace_id" || name == "http.vars.span_id"):
		return errors.New("differs for each request: put `tracing` into the `upstream` block, so that each poll has its own")
	case name == "http.error.id" || name == "http.error.trace":
		return errors.New("differs for each request: remove it")
	case header == "Last-Event-Id":
		return errors.New("is one client's position: write `header_up Last-Event-ID {sse.cursor}` beside `upstream`; it is the position of the poll")
	}
	return nil
}

// headerIn returns the header field that a placeholder reads.
func headerIn(placeholder string) (name string, ok bool) {
	name, ok = strings.CutPrefix(placeholder, "http.request.header.")
	return http.CanonicalHeaderKey(name), ok
}

// warn returns warnings of matchers that cannot work for polls as they do for clients, and of parts that the
// bridge cannot read.
func (r *routesRead) warn(own owner) (warnings []string) {
	add := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(warnings, text) {
			warnings = append(warnings, text)
		}
	}
	for _, m := range r.matched {
		if !slices.Contains(own.headers, m.name) && !r.written[m.name] && !slices.Contains(upgradeHeaders, m.name) && !slices.Contains(ForwardedFields, m.name) {
			add("a matcher looks at the header field %s, which polls do not send: `header_up %[1]s {header.%[1]s}` sends the client's", m.name)
		}
	}
	for _, name := range r.addresses {
		add("the matcher %s looks at the client's address, but polls come from 0.0.0.0: put the matcher in front of sse_bridge and store the result in `vars`, which polls keep", name)
	}
	for _, module := range r.elsewhere {
		add("the bridge cannot read what %s leads to: placeholders there are resolved from the poll, not from the client", module)
	}
	return warnings
}
