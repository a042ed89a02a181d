package suggest

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// fixed adds the query of the endpoint's URL, but for the parameters that are none of the poll's own.
func (b *Block) fixed(u *url.URL, but ...string) {
	q := fixedQuery(u.RawQuery, but)
	if q.letterByLetter() {
		text, hidden := q.letters()
		why := []string{"as in the URL, letter by letter"}
		for _, s := range hidden {
			why = append(why, "a secret of it: pass it to Caddy in the environment variable "+EnvName(s.name))
		}
		b.add(strings.Join(why, "; "), "rewrite", "?"+text)
	} else {
		for name, value := range parameters(strings.Join(q.plain, "&")) {
			b.add("as in the URL", "query", name, value)
			if value == "" {
				b.Lines[len(b.Lines)-1].Text += ` ""`
			}
		}
	}
	for _, name := range q.secrets {
		b.add("a secret of the URL: pass it to Caddy in the environment variable "+EnvName(name), "query", name, "{env."+EnvName(name)+"}")
	}
}

// fixedParts are the parts of a query that all polls have.
type fixedParts struct {
	plain   []string // names with values, as they stand in the URL
	secrets []string // names
}

func fixedQuery(query string, but []string) (q fixedParts) {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		switch name = unescape(name); {
		case pair == "", name != "" && slices.Contains(but, name):
		case trial.Secret(name) && value != "":
			q.secrets = append(q.secrets, name)
		default:
			q.plain = append(q.plain, pair)
		}
	}
	return q
}

// letterByLetter reports whether the parts must go upstream as they are. Some backends know a name without a value, such as
// Netdata's ?all, and take it for another one with an equals sign behind it; some, such as HAProxy and gitweb, divide
// parameters by semicolons. A `query` sets a
// parameter, so that of several with one name the last would be left, and one whose name begins with `-` is deleted. And
// what reads as a placeholder would be one. What is no text cannot stand in a Caddyfile but escaped.
func (q fixedParts) letterByLetter() bool {
	seen := make(map[string]bool)
	for _, pair := range q.plain {
		name, value, valued := strings.Cut(pair, "=")
		name = unescape(name)
		if !valued || strings.Contains(pair, ";") || name == "" || seen[name] || strings.ContainsAny(name, "{}") || name[0] == '-' ||
			hasPlaceholder(unescape(value)) || !isText(unescape(pair)) {
			return true
		}
		seen[name] = true
	}
	return false
}

// letters returns the plain parts as they stand in the URL, with placeholders for secrets behind semicolons, and these.
func (q fixedParts) letters() (text string, hidden []secret) {
	pairs := make([]string, len(q.plain))
	for i, pair := range q.plain {
		parts := strings.Split(pair, ";")
		for j, part := range parts {
			name, value, _ := strings.Cut(part, "=")
			if name = unescape(name); j > 0 && value != "" && trial.Secret(name) {
				hidden = append(hidden, secret{name, unescape(value)})
				parts[j] = strings.TrimSuffix(part, value) + "{env." + EnvName(name) + "}"
			} else {
				parts[j] = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(part)
			}
		}
		pairs[i] = strings.Join(parts, ";")
	}
	return strings.Join(pairs, "&"), hidden
}

// isText reports whether a block shows all of a text.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, steers)
}
