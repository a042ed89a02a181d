package decode

import (
	"bytes"
	"regexp"
)

// guards are what backends put before JSON so that a script element cannot read it.
var guards = [...]string{
	"for(;;);", "for (;;);", "while(1);", "while (1);", "while(true);", "while (true);",
	")]}',", ")]}'", "])}while(1);</x>", "&&&START&&&", "{}&&", "{} &&", "throw 1;",
}

// callHead is the beginning of a JSONP answer: /**/ cb( and, as Express writes it,
// /**/ typeof cb === 'function' && cb(
var callHead = regexp.MustCompile(`^(?s:/\*.*?\*/)?\s*(?:(?:typeof\s+)?[\w$.\[\]'"]+\s*(?:={2,3}\s*['"]function['"]\s*)?&&\s*)?[A-Za-z_$][\w$.\[\]'"]*\s*\(`)

// Unwrap returns what stands in the wrapping in which backends send JSON to script elements: a guard
// against hijacking before it, such as )]}', or a JSONP call around it, with an argument or none. Text
// without such a wrapping, which may have no white space before it, is returned as it is.
func Unwrap(text []byte) []byte {
	for _, g := range guards {
		if rest, ok := bytes.CutPrefix(text, []byte(g)); ok {
			return bytes.TrimLeft(rest, Space)
		}
	}
	head := callHead.FindIndex(text[:min(len(text), 1<<10)])
	if head == nil {
		return text
	}
	argument, ok := bytes.CutSuffix(bytes.TrimRight(text[head[1]:], Space+";"), []byte(")"))
	if !ok {
		return text
	}
	return bytes.Trim(argument, Space)
}
