package value

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// MaxDepth is how deep JSON may be nested. No backend writes so deep: PHP stops at 512, .NET
// at 64. gjson checks recursively and without a bound, and some megabytes of "[" would
// overflow the stack, which ends the process; its @pretty writes quadratic indentation.
const MaxDepth = 1000

// ValidJSON reports whether json is one valid JSON text (RFC 8259), nested no deeper than
// [MaxDepth]. Paths are looked up only in what is.
func ValidJSON(json []byte) bool { return !tooDeep(json) && gjson.ValidBytes(json) }

func tooDeep(json []byte) bool {
	if bytes.Count(json, []byte("["))+bytes.Count(json, []byte("{")) <= MaxDepth {
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
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
