package trial

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Secrets are texts that are masked wherever they stand in a request but its host, whatever their name: what a
// configuration has from the environment or from files.
type Secrets []string

// leastSecret is how long a text must be to be masked within another one. A shorter one is masked where it is all
// there is.
const leastSecret = 4

// NewSecrets returns secrets, of which the empty ones count as none.
func NewSecrets(texts ...string) Secrets {
	s := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" })
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) }) // one may be a part of another
	return slices.Compact(s)
}

// mask masks the secrets in a text.
func (s Secrets) mask(text string) string {
	for _, secret := range s {
		if text == secret {
			return masked
		}
		if len(secret) < leastSecret {
			continue
		}
		for _, form := range written(secret) {
			text = strings.ReplaceAll(text, form, masked)
		}
	}
	return text
}

// maskURL masks the secrets in the path and in the query of a URL.
func (s Secrets) maskURL(text string) string {
	start, rest := "", text
	if scheme, after, found := strings.Cut(text, "://"); found {
		host := after
		if i := strings.IndexAny(after, "/?"); i >= 0 {
			host = after[:i]
		}
		start, rest = scheme+"://"+host, after[len(host):]
	}
	path, query, found := strings.Cut(rest, "?")
	if path = s.mask(path); !found {
		return start + path
	}
	return start + path + "?" + parameter.ReplaceAllStringFunc(s.mask(query), func(p string) string {
		m := parameter.FindStringSubmatch(p)
		return m[1] + m[2] + "=" + s.mask(m[3])
	})
}

// written returns how a text may stand in a request: as it is, in a URL or a form, and in JSON.
func written(text string) []string {
	forms := []string{text, url.QueryEscape(text), url.PathEscape(text)}
	for _, html := range []bool{false, true} {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(html)
		if err := e.Encode(text); err != nil {
			panic(err) // a text can always be written
		}
		quoted := strings.TrimSpace(b.String())
		forms = append(forms, quoted[1:len(quoted)-1])
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(forms)
}
