package decode

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// fuzzMemory is what reading a text may take in the fuzz targets.
const fuzzMemory = 1 << 20

// FuzzCSV checks that the JSON of a table has its rows, or that there is an error.
func FuzzCSV(f *testing.F) {
	f.Add("id,text\n1,\"a\nb\"\n2", ',', true)
	f.Add("1|a\r\n2|b|c\n", '|', false)
	f.Fuzz(func(t *testing.T, text string, separator rune, header bool) {
		if separator != 0 && (separator == '"' || separator == '\r' || separator == '\n' || !utf8.ValidRune(separator) || separator == utf8.RuneError) {
			return // a configuration has none of these
		}
		out, err := CSV([]byte(text), fuzzMemory, separator, header)
		if err != nil {
			return
		}
		if !value.ValidJSON(out) || len(out) > fuzzMemory {
			t.Fatalf("%.100q is read as %d bytes, %.100q", text, len(out), out)
		}
		var rows []json.RawMessage
		if err := json.Unmarshal(out, &rows); err != nil || len(rows) > MaxItems {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
	})
}

// FuzzLines checks that the lines and what separates them are the text.
func FuzzLines(f *testing.F) {
	f.Add("a\r\nb\n\n", "")
	f.Add("1|2||", "|")
	f.Fuzz(func(t *testing.T, text, separator string) {
		lines, err := Lines([]byte(text), separator)
		if err != nil {
			return
		}
		if separator == "" {
			text, separator = strings.ReplaceAll(text+"\n", "\r\n", "\n"), "\n"
		} else {
			text += separator
		}
		if joined := string(bytes.Join(lines, []byte(separator))) + separator; joined != text && joined+separator != text {
			t.Fatalf("%q is read as %q", text, lines)
		}
	})
}

// FuzzText checks that text in UTF-8 stays what it is, and that none is longer than three times what it was.
func FuzzText(f *testing.F) {
	f.Add([]byte("caf\xe9"), "text/plain; charset=iso-8859-1")
	f.Add([]byte("\xff\xfeh\x00"), "")
	f.Add([]byte("<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>"), "text/xml")
	f.Fuzz(func(t *testing.T, text []byte, contentType string) {
		for _, got := range [][]byte{Text(text, contentType), Markup(text, contentType)} {
			if len(got) > 3*len(text) {
				t.Fatalf("%d bytes became %d", len(text), len(got))
			}
		}
		if got := Text(text, ""); utf8.Valid(text) && !bytes.Equal(got, text) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// FuzzUnwrap checks that what is wrapped is a part of the text, and that JSON has no wrapping.
func FuzzUnwrap(f *testing.F) {
	for _, text := range []string{`/**/ typeof cb === 'function' && cb({"a":1});`, ")]}',\n[1]", "f()", "for(;;);", `{"a":1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := Unwrap(text)
		if !bytes.Contains(text, got) || value.ValidJSON(text) && !bytes.Equal(got, text) {
			t.Fatalf("%q is unwrapped as %q", text, got)
		}
		Nature(text)
	})
}
