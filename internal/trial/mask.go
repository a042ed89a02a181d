package trial

import (
	"regexp"
	"slices"
	"strings"
)

// masked stands where a secret was.
const masked = "***"

// secretWords are what the names of secrets hold, and secretNames what they are.
var (
	secretWords = []string{"token", "secret", "passw", "apikey", "api_key", "api-key", "access_key", "access-key", "signature", "session", "credential"}
	secretNames = []string{"key", "auth", "sig", "pass", "pwd", "sid", "jwt", "code"}
)

// Secret reports whether a parameter, a header field or a member of that name holds a secret.
func Secret(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(secretNames, name) || slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

var (
	parameter = regexp.MustCompile(`([?&]|^)([^=&?#\s]+)=([^&#\s]*)`)
	member    = regexp.MustCompile(`("([^"\\]+)"\s*:\s*)("(?:[^"\\]|\\.)*"|-?\d[\w.+-]*)`)
	userinfo  = regexp.MustCompile(`(://[^:/@\s]*:)[^@/\s]+@`)
	pair      = regexp.MustCompile(`([^=;\s]+)=[^;]*`)
	scheme    = regexp.MustCompile(`^(\w+\s+)?.*$`)
)

// MaskURL masks the secrets in the query of a URL, and its password.
func MaskURL(url string) string {
	url = userinfo.ReplaceAllString(url, "${1}"+masked+"@")
	path, query, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	return path + "?" + maskForm(query)
}

// maskForm masks the secrets in a query, or a form.
func maskForm(form string) string {
	return parameter.ReplaceAllStringFunc(form, func(p string) string {
		m := parameter.FindStringSubmatch(p)
		if !Secret(m[2]) || m[3] == "" {
			return p
		}
		return m[1] + m[2] + "=" + masked
	})
}

// maskBody masks the secrets in the body of a request, which is a form or JSON.
func maskBody(body string) string {
	if trimmed := strings.TrimSpace(body); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		return member.ReplaceAllStringFunc(body, func(text string) string {
			m := member.FindStringSubmatch(text)
			if !Secret(m[2]) {
				return text
			}
			return m[1] + `"` + masked + `"`
		})
	}
	return maskForm(body)
}

// Mask masks the secrets of a request: the credentials in its header, and what the names of
// parameters call a secret.
func (r Request) Mask() Request {
	r.URL, r.Body, r.Header = MaskURL(r.URL), maskBody(r.Body), r.Header.Clone()
	for name, values := range r.Header {
		for i, v := range values {
			switch {
			case name == "Cookie":
				values[i] = pair.ReplaceAllString(v, "${1}="+masked)
			case name == "Authorization":
				values[i] = scheme.ReplaceAllString(v, "${1}"+masked)
			case Secret(name), strings.Contains(strings.ToLower(name), "auth"):
				values[i] = masked
			}
		}
	}
	return r
}
