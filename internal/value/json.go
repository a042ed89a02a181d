package value

import (
	"bytes"
	"encoding/json"

	"github.com/tidwall/gjson"
)

// MaxDepth is how deep JSON may be nested. No backend writes so deep: PHP stops at 512, .NET
// at 64. gjson checks recursively and without a bound, and some megabytes of "[" would
// overflow the stack, which ends the process; its @pretty writes quadratic indentation.
const MaxDepth = 1000

// ValidJSON reports whether text is one valid JSON text (RFC 8259), nested no deeper than
// [MaxDepth]. Paths are looked up only in what is.
func ValidJSON(text []byte) bool { return !tooDeep(text) && gjson.ValidBytes(text) }

// Decode decodes JSON, with numbers as they are written: as [json.Number].
func Decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func tooDeep(text []byte) bool {
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= MaxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
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
