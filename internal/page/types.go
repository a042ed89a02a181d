package page

import (
	"strings"
	"unicode"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// Reserved begins the types of the bridge's own notices. What an upstream sends must not pass for one
// of them: an event of such a type comes without it.
const Reserved = "bridge."

// IsReserved reports whether a type is one of the bridge's own to clients. They get no more of it than
// what can stand in a line, and many of them trim that: of spaces, as their language knows them, or of all
// that cannot be seen.
func IsReserved(typ string) bool {
	seen := strings.TrimFunc(sse.Line(typ), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
	return strings.HasPrefix(seen, Reserved)
}

// typeOf returns the type of an event that an upstream calls so.
func typeOf(name string) string {
	if IsReserved(name) {
		return ""
	}
	return name
}
