package value

import (
	"bytes"
	"encoding/json"
	"iter"

	"github.com/tidwall/gjson"
)

// MaxDepth is how deep JSON may be nested. No backend writes so deep: PHP stops at 512, .NET
// at 64. gjson checks recursively and without a bound, and some megabytes of "[" would
// overflow the stack, which ends the process; its @pretty writes quadratic indentation.
const MaxDepth = 1000

// ValidJSON reports whether text is one valid JSON text (RFC 8259), nested no deeper than
// [MaxDepth]. Paths are looked up only in what is.
func ValidJSON(text []byte) bool { return ValidJSONWithin(text, 0) }

// ValidJSONWithin is [ValidJSON] for a part of a text, a value that stands in so many objects and arrays of it.
func ValidJSONWithin(text []byte, depth int) bool {
	return !tooDeep(text, MaxDepth-depth) && gjson.ValidBytes(text)
}

// Decode decodes JSON, with numbers as they are written: as [json.Number].
func Decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

func tooDeep(text []byte, deepest int) bool {
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= deepest {
		return false
	}
	depth := 0
	for _, c := range Structure(text) {
		switch c {
		case '[', '{':
			if depth++; depth > deepest {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

// Structure gives the places of the brackets, braces and commas of JSON that stand outside of its strings.
// The text may be broken.
func Structure(text []byte) iter.Seq2[int, byte] {
	return func(yield func(int, byte) bool) {
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '"':
				for i++; i < len(text) && text[i] != '"'; i++ {
					if text[i] == '\\' {
						i++
					}
				}
			case c|0x20 == '{' || c|0x20 == '}' || c == ',': // a bracket is a brace without that bit
				if !yield(i, c) {
					return
				}
			}
		}
	}
}
