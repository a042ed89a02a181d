package testsite

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"
)

func Gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.Bytes()
}

// SameText compares texts, and what is JSON by what it says, since escapes can be spelt in two
// ways.
func SameText(got, want string) bool {
	var a, b any
	if !strings.Contains(want, `\`) || json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
		return got == want
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
