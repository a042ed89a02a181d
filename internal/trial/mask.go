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
	return slices.Contains(secretNames, name) || strings.HasSuffix(name, "-key") || slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

var (
	parameter  = regexp.MustCompile(`([?&]|^)([^=&?#\s]+)=([^&#\s]*)`)
	member     = regexp.MustCompile(`("([^"\\]+)"\s*:\s*)("(?:[^"\\]|\\.)*"|-?\d[\w.+-]*)`)
	userinfo   = regexp.MustCompile(`(://[^:/@\s]*:)[^@/\s]+@`)
	pair       = regexp.MustCompile(`([^=;\s]+)=[^;]+`)
	bareScheme = regexp.MustCompile(`^(?i:basic|bearer|digest|token)\s*$`)
	scheme     = regexp.MustCompile(`^(\w+\s+)?.*$`)
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

// maskForm masks the secrets in a query, or a form. Some backends divide parameters by semicolons.
func maskForm(form string) string {
	return parameter.ReplaceAllStringFunc(form, func(p string) string {
		m := parameter.FindStringSubmatch(p)
		if Secret(m[2]) && m[3] != "" {
			return m[1] + m[2] + "=" + masked
		}
		parts := strings.Split(p, ";")
		for i, part := range parts {
			if name, value, _ := strings.Cut(part, "="); i > 0 && value != "" && Secret(name) {
				parts[i] = name + "=" + masked
			}
		}
		return strings.Join(parts, ";")
	})
}

// maskBody masks the secrets in the body of a request, which is a form or JSON. In JSON, a `key` is mostly that of a
// store, such as etcd's.
func maskBody(body string) string {
	if trimmed := strings.TrimSpace(body); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		return member.ReplaceAllStringFunc(body, func(text string) string {
			m := member.FindStringSubmatch(text)
			if !Secret(m[2]) || strings.EqualFold(m[2], "key") || m[3] == `""` {
				return text
			}
			return m[1] + `"` + masked + `"`
		})
	}
	return maskForm(body)
}

// Mask masks the secrets of a request: the credentials in its header, what the names of parameters call a secret, and
// the given ones.
func (r Request) Mask(s Secrets) Request {
	r.URL, r.Body, r.Header = MaskURL(s.maskURL(r.URL)), maskBody(s.mask(r.Body)), r.Header.Clone()
	for name, values := range r.Header {
		for i, v := range values {
			v = s.mask(v)
			values[i] = v
			switch {
			case strings.TrimSpace(v) == "", name == "Authorization" && bareScheme.MatchString(v): // there is no secret, and that should be seen
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
