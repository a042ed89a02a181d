package suggest

import (
	"net/textproto"
	"slices"
	"strings"
)

// EnvName is the variable of the environment in which Caddy gets the value of a header field or of a parameter.
func EnvName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' && r < 'A' || r > 'Z' {
			return '_'
		}
		return r
	}, strings.ToUpper(name))
}

// Plain reports whether a block shows the value of a header field: the field never holds a secret, and nothing in the
// value would be a placeholder.
func Plain(name, value string) bool {
	return !strings.ContainsAny(value, "{}") && slices.Contains([]string{"Accept", "Accept-Charset", "Accept-Language", "Content-Type", "User-Agent", "X-Requested-With"}, textproto.CanonicalMIMEHeaderKey(name))
}
