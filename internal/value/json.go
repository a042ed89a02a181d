package value

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// maxDepth is how deep JSON may be nested, as in encoding/json. gjson checks recursively and
// without a bound, and some megabytes of "[" would exhaust the stack, which ends the process.
const maxDepth = 10_000

// ValidJSON reports whether json is one valid JSON text (RFC 8259), nested no deeper than
// 10,000 levels. Paths are looked up only in what is.
func ValidJSON(json []byte) bool { return !tooDeep(json) && gjson.ValidBytes(json) }

func tooDeep(json []byte) bool {
	if bytes.Count(json, []byte("["))+bytes.Count(json, []byte("{")) <= maxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(json); i++ {
		switch c := json[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
