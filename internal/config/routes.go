package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// routesRead is what the JSON of an upstream's routes reveals about the parts of requests that they read.
type routesRead struct {
	bridge       bool             // the routes contain another bridge
	original     bool             // a handler may see the URL as the client sent it, before it was rewritten
	tracing      bool             // a handler creates a trace for each request
	elsewhere    []string         // handlers whose instructions are elsewhere, where the bridge cannot read them
	placeholders []found          // each once
	written      map[string]bool  // header fields of the request that handlers set or delete, in their canonical form
	matched      []found          // header fields that matchers read, in their canonical form
	addresses    []string         // matchers that read the address of a client
	dials        []string         // the addresses of each reverse_proxy
	tls          bool             // a reverse_proxy uses TLS
	trusted      [][]netip.Prefix // for each reverse_proxy: whose X-Forwarded-* it keeps, besides the server's trusted proxies
}

// found is something that was found in routes.
type found struct {
	name string
	path string // in the JSON, dotted: 0.handle.0.body
}

// readRoutes reads routes that have not been provisioned, at any depth, because many handlers contain routes.
func readRoutes(routes caddyhttp.RouteList) (*routesRead, error) {
	raw, err := json.Marshal(routes)
	if err != nil {
		return nil, fmt.Errorf("reading the routes: %w", err)
	}
	var decoded any
	if err := json.Unmarshal(raw, &decoded); err != nil {
		return nil, fmt.Errorf("reading the routes: %w", err)
	}
	return readDecoded(decoded), nil
}

// HoldsBridge reports whether decoded routes or handlers contain a bridge.
func HoldsBridge(node any) bool { return readDecoded(node).bridge }

// readDecoded reads decoded routes or handlers.
func readDecoded(node any) *routesRead {
	read := &routesRead{written: make(map[string]bool)}
	read.node("", node)
	return read
}

func (r *routesRead) node(path string, node any) {
	switch node := node.(type) {
	case string:
		r.text(path, node)
	case []any:
		for i, child := range node {
			r.node(below(path, strconv.Itoa(i)), child)
		}
	case map[string]any:
		if module, ok := node["handler"].(string); ok {
			if module == "log_append" {
				return // its text goes only to the log
			}
			r.handler(module, node)
		}
		for _, field := range []string{"match", "retry_match"} {
			if sets, ok := node[field].([]any); ok {
				r.matchers(below(path, field), sets)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(node)) {
			r.text(below(path, name), name)
			r.node(below(path, name), node[name])
		}
	}
}

func below(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// text notes the placeholders of a text, as Caddy finds them: a backslash escapes a brace.
func (r *routesRead) text(path, text string) {
	for i := range len(text) {
		if text[i] != '{' || i > 0 && text[i-1] == '\\' {
			continue
		}
		end := i + 1
		for end < len(text) && (text[end] != '}' || text[end-1] == '\\') {
			end++
		}
		if end == len(text) {
			return
		}
		name := text[i+1 : end]
		if strings.ContainsAny(name, "{\"\n") {
			continue // JSON, or something like it
		}
		if !slices.ContainsFunc(r.placeholders, func(p found) bool { return p.name == name }) {
			r.placeholders = append(r.placeholders, found{name, path})
		}
		if strings.HasPrefix(name, "http.request.orig_") {
			r.original = true
		}
	}
}

// blindHandlers do not read the URL as the client sent it. All others may.
var blindHandlers = []string{
	"authentication", "copy_response", "copy_response_headers", "encode", "error", "headers", "intercept", "map", "request_body",
	"reverse_proxy", "rewrite", "static_response", "subroute", "timeouts", "tracing", "vars",
}

func (r *routesRead) handler(module string, node map[string]any) {
	if !slices.Contains(blindHandlers, module) {
		r.original = true
	}
	switch module {
	case Directive:
		r.bridge = true
	case "tracing":
		r.tracing = true
	case "invoke", "templates":
		r.elsewhere = append(r.elsewhere, module)
	case "authentication":
		for provider := range object(node, "providers") {
			r.original = r.original || provider != "http_basic"
		}
	case "headers":
		r.edits(object(node, "request"))
	case "reverse_proxy":
		r.proxy(node)
	}
}

// edits notes the header fields of a request that a handler changes.
func (r *routesRead) edits(ops map[string]any) {
	for _, op := range []string{"add", "set", "replace"} {
		for name := range object(ops, op) {
			r.written[http.CanonicalHeaderKey(name)] = true
		}
	}
	for _, name := range texts(ops["delete"]) {
		r.written[http.CanonicalHeaderKey(name)] = true
	}
}

// The modules of a reverse_proxy that do not read the URL as the client sent it.
var (
	blindTransports = []string{"", "http"}
	blindSources    = []string{"", "a", "multi", "srv"}
	blindPolicies   = []string{
		"", "client_ip_hash", "cookie", "first", "header", "ip_hash", "least_conn", "query", "random", "random_choose", "round_robin", "uri_hash",
		"weighted_round_robin",
	}
)

func (r *routesRead) proxy(node map[string]any) {
	transport := word(object(node, "transport"), "protocol")
	if transport == "fastcgi" { // it sends REMOTE_USER and PATH_INFO
		for _, name := range []string{"http.auth.user.id", "http.matchers.file.remainder"} {
			r.text("", "{"+name+"}")
		}
	}
	policy := object(object(node, "load_balancing"), "selection_policy")
	if !slices.Contains(blindTransports, transport) || node["circuit_breaker"] != nil ||
		!slices.Contains(blindSources, word(object(node, "dynamic_upstreams"), "source")) || !slices.Contains(blindPolicies, word(policy, "policy")) {
		r.original = true
	}
	r.tls = r.tls || object(node, "transport")["tls"] != nil
	upstreams, _ := node["upstreams"].([]any)
	for _, upstream := range upstreams {
		if upstream, ok := upstream.(map[string]any); ok {
			r.dials = append(r.dials, word(upstream, "dial"))
		}
	}
	var ranges []netip.Prefix
	for _, text := range texts(node["trusted_proxies"]) {
		if prefix, err := caddyhttp.CIDRExpressionToPrefix(text); err == nil { // reverse_proxy reports wrong ones
			ranges = append(ranges, prefix)
		}
	}
	r.trusted = append(r.trusted, ranges)
}

// object returns a member if it is an object; otherwise an empty one.
func object(node map[string]any, name string) map[string]any {
	member, _ := node[name].(map[string]any)
	return member
}

// word returns a member if it is a text; otherwise an empty one.
func word(node map[string]any, name string) string {
	text, _ := node[name].(string)
	return text
}

// texts returns the texts of a list.
func texts(list any) (all []string) {
	elements, _ := list.([]any)
	for _, element := range elements {
		if text, ok := element.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
