package suggest

import (
	"mime"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

var (
	// longPlaceholder finds placeholders, and the beginning of those that stand for the environment when a Caddyfile is read.
	longPlaceholder = regexp.MustCompile(`\{(\$|(sse|http|env|system|time|file|vars|tls)\.)`)
	// shorthands replaces the short forms of a Caddyfile.
	shorthands = httpcaddyfile.NewShorthandReplacer()
)

// hasPlaceholder reports whether a part of a text would be a placeholder in a Caddyfile, such as the {path} of a GraphQL query.
func hasPlaceholder(text string) bool {
	token := caddyfile.Segment{{Text: text}}
	shorthands.ApplyToSegment(&token)
	return token[0].Text != text || longPlaceholder.MatchString(text)
}

var (
	jsonText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	braced   = regexp.MustCompile(`\{[^{}]*\}?`)
)

// literal writes a body so that nothing in it is a placeholder, and the upstream reads the same. It reports whether it could.
// Nothing in it is a backtick either, with which it could not stand in a block as it is.
func literal(body, contentType string) (text string, ok bool) {
	with := func(brace string) func(string) string {
		return func(text string) string {
			return braced.ReplaceAllStringFunc(text, func(part string) string {
				if hasPlaceholder(part) {
					return brace + part[1:]
				}
				return part
			})
		}
	}
	isJSON := value.ValidJSON([]byte(body))
	switch {
	case isJSON:
		body = strings.ReplaceAll(body, "`", `\u0060`)
	case isForm(contentType):
		body = strings.ReplaceAll(body, "`", "%60")
	}
	switch {
	case !hasPlaceholder(body):
		return body, true
	case isJSON:
		return jsonText.ReplaceAllStringFunc(body, with(`\u007b`)), true
	case isForm(contentType):
		return with("%7B")(body), true
	}
	return body, false
}

// isForm reports whether a Content-Type is that of a form.
func isForm(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == "application/x-www-form-urlencoded"
}
