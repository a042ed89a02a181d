package page

import (
	"bytes"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
)

// body is the decoded body of an answer.
type body struct {
	text []byte // in UTF-8, if the upstream told the truth about its charset
	json bool   // text is valid JSON
	line bool   // text is a single line, of JSON
	raw  bool   // white space counts
	set  *Set   // that text lists, if it was read with the help of the one before; nil: it was not
	err  error  // why text is not in the configured format, as an answer must be
}

func (b body) empty() bool {
	return len(b.text) == 0 || !b.raw && len(bytes.TrimSpace(b.text)) == 0
}

// nature says what the body is that is not JSON, and nothing of what is in it.
func (b body) nature() string { return decode.Nature(b.text) }

// trimNewline takes off one newline at the end.
func trimNewline(text []byte) []byte {
	text, found := bytes.CutSuffix(text, []byte("\n"))
	if t, ok := bytes.CutSuffix(text, []byte("\r")); ok || found {
		return t
	}
	return text
}

// ownMemory returns how much memory text takes that is not that of the answer it was made of.
func ownMemory(text, answer []byte) int {
	if len(text) == 0 || len(answer) > 0 && &text[len(text)-1] == &answer[len(answer)-1] {
		return 0
	}
	return len(text)
}

// boundText returns an error for text that was converted to UTF-8 and takes more memory than that.
func boundText(text, answer []byte, memory int) error {
	if own := ownMemory(text, answer); own > memory {
		return fmt.Errorf("the answer has %d bytes in UTF-8, more than the %d that there are to read it: ask the upstream for less", own, memory)
	}
	return nil
}
