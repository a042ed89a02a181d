package config

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// blindMatchers do not read the URL as the client sent it. All others may.
var blindMatchers = []string{
	"client_ip", "expression", "file", "header", "header_regexp", "host", "method", "not", "path", "path_regexp", "protocol", "query", "remote_ip",
	"tls", "url_pattern", "vars", "vars_regexp",
}

// matchers reads matcher sets.
func (r *routesRead) matchers(path string, sets []any) {
	for i, set := range sets {
		set, _ := set.(map[string]any)
		for _, module := range slices.Sorted(maps.Keys(set)) {
			r.matcher(below(path, strconv.Itoa(i)), module, set)
		}
	}
}

func (r *routesRead) matcher(path, module string, set map[string]any) {
	if !slices.Contains(blindMatchers, module) {
		r.original = true
	}
	switch module {
	case "header", "header_regexp":
		for _, name := range slices.Sorted(maps.Keys(object(set, module))) {
			r.matchesHeader(name, below(path, module))
		}
	case "client_ip", "remote_ip":
		r.addresses = append(r.addresses, module)
	case "vars", "vars_regexp":
		if _, ok := object(set, module)["client_ip"]; ok {
			r.addresses = append(r.addresses, module+" client_ip")
		}
	case "not":
		sets, _ := set[module].([]any)
		r.matchers(below(path, module), sets)
	case "expression":
		text := word(set, module)
		if text == "" {
			text = word(object(set, module), "expr")
		}
		r.expression(below(path, module), text)
	}
}

func (r *routesRead) matchesHeader(name, path string) {
	r.matched = append(r.matched, found{http.CanonicalHeaderKey(name), path})
}

var (
	addressCall = regexp.MustCompile(`\b(client_ip|remote_ip)\(`)
	headerCall  = regexp.MustCompile(`\bheader\(\s*\{([^)]*)\)`)
	headerKey   = regexp.MustCompile(`['"]([^'"]+)['"]\s*:`)
	regexpCall  = regexp.MustCompile(`\bheader_regexp\((?:\s*['"][^'"]*['"]\s*,)?\s*['"]([^'"]+)['"]\s*,\s*['"]`)
)

// expression finds the matchers that an expression calls.
func (r *routesRead) expression(path, text string) {
	for _, call := range addressCall.FindAllStringSubmatch(text, -1) {
		r.addresses = append(r.addresses, "expression "+call[1])
	}
	for _, call := range headerCall.FindAllStringSubmatch(text, -1) {
		for _, key := range headerKey.FindAllStringSubmatch(call[1], -1) {
			r.matchesHeader(key[1], path)
		}
	}
	for _, call := range regexpCall.FindAllStringSubmatch(text, -1) {
		r.matchesHeader(call[1], path)
	}
}
