package value

import (
	"net/http"
	"slices"
	"strings"
)

// Link returns the target of the first link with a relation, such as next, in an answer's Link fields (RFC 8288,
// section 3). It is empty where there is none. Relations have no case, and one link may have several. A field that
// breaks the grammar counts up to there.
func Link(header http.Header, relation string) string {
	for _, field := range header.Values("Link") {
		for rest := field; ; {
			rest = strings.TrimLeft(rest, " \t,")
			if !strings.HasPrefix(rest, "<") {
				break
			}
			target, parameters, closed := strings.Cut(rest[1:], ">")
			if !closed {
				break
			}
			var relations string
			relations, rest = linkRelations(parameters)
			if slices.ContainsFunc(strings.Fields(relations), func(r string) bool { return strings.EqualFold(r, relation) }) {
				return strings.TrimSpace(target)
			}
		}
	}
	return ""
}

// linkRelations reads the parameters of a link, and returns the value of the first rel, and what comes after the
// parameters: further occurrences of rel do not count (RFC 8288, section 3.3).
func linkRelations(s string) (relations, rest string) {
	for found := false; ; {
		s = strings.TrimLeft(s, " \t")
		if !strings.HasPrefix(s, ";") {
			return relations, s
		}
		s = strings.TrimLeft(s[1:], " \t")
		n := strings.IndexAny(s, "=;, \t")
		if n < 0 {
			n = len(s)
		}
		name, text := s[:n], ""
		if s = strings.TrimLeft(s[n:], " \t"); strings.HasPrefix(s, "=") {
			text, s = linkValue(strings.TrimLeft(s[1:], " \t"))
		}
		if strings.EqualFold(name, "rel") && !found {
			relations, found = text, true
		}
	}
}

// linkValue reads a token or a quoted string (RFC 9110, section 5.6.4).
func linkValue(s string) (text, rest string) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexAny(s, ";, \t")
		if n < 0 {
			n = len(s)
		}
		return s[:n], s[n:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i == len(s) {
				return b.String(), ""
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
