package page

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// maxDepth is how deep JSON may be nested. No backend writes so deep: PHP stops at 512, .NET
// at 64. gjson checks recursively and without a bound, and some megabytes of "[" would
// overflow the stack, which ends the process; its @pretty writes quadratic indentation.
const maxDepth = 1000

// validJSON reports whether text is one JSON value (RFC 8259) that is safe to look into.
func validJSON(text []byte) bool { return !tooDeep(text) && gjson.ValidBytes(text) }

// tooDeep reports whether text, read as JSON, is nested deeper than maxDepth.
func tooDeep(text []byte) bool {
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= maxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
			if c == '\\' {
				i++
			}
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
