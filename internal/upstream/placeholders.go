package upstream

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// clientReplacer returns a replacer with the values of the client's own replacer, except the client's last
// event id, which must neither go upstream nor divide a feed. It also has the client's body, which has already
// been read.
func clientReplacer(repl *caddy.Replacer, body []byte) *caddy.Replacer {
	return mapped(repl, func(name, text string) string {
		switch name {
		case "http.request.body":
			return string(body)
		case "http.request.body_base64":
			return base64.StdEncoding.EncodeToString(body)
		case "http.request.uri.query", "http.request.orig_uri.query":
			return dropID(text)
		case "http.request.uri.query_escaped":
			return url.QueryEscape(dropID(unescaped(text)))
		case "http.request.uri", "http.request.orig_uri", "http.request.uri.prefixed_query", "http.request.orig_uri.prefixed_query":
			return dropFromURI(text)
		case "http.request.uri_escaped":
			return url.QueryEscape(dropFromURI(unescaped(text)))
		}
		return text
	})
}

func dropFromURI(uri string) string {
	path, query, found := strings.Cut(uri, "?")
	if query = dropID(query); found && query != "" {
		return path + "?" + query
	}
	return path
}

// escapingReplacer returns a replacer that escapes the values that it inserts into a URI or a form, except
// values that are already escaped.
func escapingReplacer(repl *caddy.Replacer, escape func(string) string) *caddy.Replacer {
	return mapped(repl, func(name, text string) string {
		switch name {
		case "http.request.uri", "http.request.uri.query", "http.request.uri.prefixed_query",
			"http.request.orig_uri", "http.request.orig_uri.query", "http.request.orig_uri.prefixed_query",
			"http.request.uri_escaped", "http.request.uri.path_escaped", "http.request.uri.query_escaped",
			"http.request.orig_uri.path.file_escaped":
			return text
		}
		return escape(text)
	})
}

// bodyReplacer returns a replacer that escapes the values that it inserts into a body of the given type. In a
// form, the client's own form is already escaped.
func bodyReplacer(repl *caddy.Replacer, bodyType string) *caddy.Replacer {
	escape := bodyEscape(bodyType)
	switch {
	case escape == nil:
		return repl
	case isForm(bodyType):
		inner := escapingReplacer(repl, escape)
		return mapped(inner, func(name, text string) string {
			if name == "http.request.body" {
				text, _ = repl.GetString(name)
			}
			return text
		})
	}
	return mapped(repl, func(_, text string) string { return escape(text) })
}

// bodyEscape returns the function that escapes text for a body of the given type; nil if none is needed.
func bodyEscape(bodyType string) func(string) string {
	switch {
	case isJSON(bodyType):
		return escapeJSON
	case isForm(bodyType):
		return url.QueryEscape
	case isXML(bodyType):
		return html.EscapeString
	}
	return nil
}

func isJSON(bodyType string) bool { return strings.Contains(strings.ToLower(bodyType), "json") }

func isXML(bodyType string) bool { return strings.Contains(strings.ToLower(bodyType), "xml") }

func isForm(bodyType string) bool {
	return strings.Contains(strings.ToLower(bodyType), "x-www-form-urlencoded")
}

// mapped returns a replacer with the values of repl, each changed by f.
func mapped(repl *caddy.Replacer, f func(name, text string) string) *caddy.Replacer {
	m := caddy.NewEmptyReplacer()
	m.Map(func(name string) (any, bool) {
		text, known := repl.GetString(name)
		if !known {
			return nil, false
		}
		return f(name, text), true
	})
	return m
}

// escapeJSON escapes s for a JSON string. A number does not change, so it can also be used outside of a
// string.
func escapeJSON(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b[1 : len(b)-1])
}
