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

// maxExpanded bounds the JSON that an answer of size bytes in another format becomes. Names of
// columns are repeated in each row, so that a small table may grow by more than a large one may.
func maxExpanded(size int) int { return max(2*size, 8<<20) }

// appendString appends text as a JSON string (RFC 8259, section 7). Bytes that are no UTF-8 stay
// what they are.
func appendString[T string | []byte](dst []byte, text T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}
