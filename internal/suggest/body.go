package suggest

import (
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// inBody finds a parameter in a body: a pair of a form, or a number or a text in JSON. It returns its value, and the
// body with another one.
func inBody(body, name string) (value string, with func(other string) string, ok bool) {
	if gjson.Valid(body) {
		for _, p := range shape.Scalars(shape.Places([]byte(body))) {
			if p.Key != name || p.Value.Type != gjson.Number && p.Value.Type != gjson.String {
				continue
			}
			at := gjson.Get(body, p.Path)
			before, after := body[:at.Index], body[at.Index+len(at.Raw):]
			if at.Index == 0 {
				return "", nil, false // it is not known where it stands
			}
			if at.Type == gjson.String {
				before, after = before+`"`, `"`+after
			}
			return at.String(), func(other string) string { return before + other + after }, true
		}
		return "", nil, false
	}
	for at, rest := 0, body; ; {
		pair, others, more := strings.Cut(rest, "&")
		if key, given, _ := strings.Cut(pair, "="); unescape(key) == name && name != "" {
			before, after := body[:at]+key+"=", body[at+len(pair):]
			return unescape(given), func(other string) string { return before + other + after }, true
		}
		if !more {
			return "", nil, false
		}
		at, rest = at+len(pair)+1, others
	}
}

// bodyWith is the requests' body with another value of a parameter in it; ok is false where it has none of that name.
func (e *Endpoint) bodyWith(name, value string) (body string, ok bool) {
	_, with, ok := inBody(e.Body, name)
	if !ok || value == "" {
		return "", false
	}
	if !gjson.Valid(e.Body) {
		value = url.QueryEscape(value)
	}
	return with(value), true
}

// given is what the URL or the body has for a parameter.
func (e *Endpoint) given(name string) string {
	if value, _, ok := inBody(e.Body, name); ok {
		return value
	}
	return e.URL.Query().Get(name)
}

// bodyPositions are the parameters in the body that are called like a position.
func (e *Endpoint) bodyPositions() (names []string) {
	if gjson.Valid(e.Body) {
		for _, p := range shape.Scalars(shape.Places([]byte(e.Body))) {
			if isPosition(p.Key) {
				names = append(names, p.Key)
			}
		}
		return names
	}
	for name := range parameters(e.Body) {
		if isPosition(name) {
			names = append(names, name)
		}
	}
	return names
}
