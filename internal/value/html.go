package value

import (
	"html"
	"strings"
)

// htmlModifier escapes what stands before it, as text of HTML: & < > " ' and line breaks. It is no modifier of gjson, whose
// modifiers are global, and may only be the last one.
const htmlModifier = "@html"

// cutHTML returns a path without the modifier @html at its end, which is @this where nothing else is left.
func cutHTML(path string) (before string, escaped bool) {
	if path == htmlModifier {
		return "@this", true
	}
	before, ok := strings.CutSuffix(path, htmlModifier)
	if !ok {
		return path, false
	}
	separator := before[len(before)-1]
	before = before[:len(before)-1]
	backslashes := len(before) - len(strings.TrimRight(before, `\`))
	if separator != '.' && separator != '|' || before == "" || backslashes%2 == 1 { // after a backslash it is a part of a key
		return path, false
	}
	return before, true
}

// escapeHTML returns found with & < > " and ' as HTML has them in its text and between the quotes of an attribute. Line
// breaks are escaped too, so that the text stays on one line: some clients read each line of data by itself.
func escapeHTML(found []byte) []byte {
	if found == nil {
		return nil
	}
	text := html.EscapeString(string(found))
	return Bytes(strings.ReplaceAll(strings.ReplaceAll(text, "\n", "&#10;"), "\r", "&#13;"))
}
