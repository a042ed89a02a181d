package decode

import (
	"reflect"
	"testing"
)

func TestLinesThatGoOn(t *testing.T) {
	t.Parallel()
	framerCases{
		{"LF and CRLF", "a\nb\r\nc\n", "a | b | c"},
		{"the last one is not complete", "a\nb", "a …"},
		{"a CR that is no end", "a\rb\r\r\n", "a\rb\r"},
		{"blank lines", "\n\r\n \t\n  a\n \n", "  a"},
		{"white space is no record yet", "a\n  ", "a"},
		{"a byte order mark", "\ufeffa\n\ufeffb\n", "a | \ufeffb"},
		{"half a byte order mark", "\xef\xbba\n", "\xef\xbba"},
		{"a line as long as it may be", "0123456789012345678901234567890123456789\r\na\n", "0123456789012345678901234567890123456789 | a"},
		{"a longer one", "a\n01234567890123456789012345678901234567890\nb\n", "a ! a record is larger than `limits response` allows"},
		{"HTML", "\ufeff\n <!DOCTYPE html>\n<p>", "! HTML where lines were expected"},
		{"HTML without a line", "<HTML", "! HTML where lines were expected"},
		{"HTML later", "a\n<html>\n", "a | <html>"},
		{"what begins like HTML", "<htm\n<!doctype xml>\n", "<htm | <!doctype xml>"},
		{"nothing", "", ""},
	}.run(t, func() Framer { return NewLineFramer("", 40) })
}

func TestLinesWithASeparatorThatGoOn(t *testing.T) {
	t.Parallel()
	framerCases{
		{"one that overlaps itself", "1aab2ab aaab\nab3", "1a | 2 |  aa …"},
		{"CRLF is text", "1\r\nab", "1\r\n"},
		{"as long as it may be", "0123456789ab0123456789aab", "0123456789 ! a record is larger than `limits response` allows"},
	}.run(t, func() Framer { return NewLineFramer("ab", 10) })
	framerCases{
		{"HTML that it cuts", "<!doctype html>", "<!doctype ! HTML where lines were expected"},
	}.run(t, func() Framer { return NewLineFramer(" ", 10) })
}

func TestALastLineIsARecordIfItIsSureToBeWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"1\n{\"a\":2}", `{"a":2}`},
		{"[1, 2] \r", "[1, 2] \r"},
		{`{"a":"é"}`, `{"a":"é"}`},
		{`{"a":2`, ""},
		{`{"a":2}}`, ""},
		{"2", ""}, // of 23, maybe
		{`"2"`, ""},
		{"text", ""},
		{"a\n \t", ""},
		{"{}\n", ""},
		{"", ""},
		{"{}\xc3", ""},
	} {
		f := NewCharsetFramer(NewLineFramer("", 40), "text/plain; charset=utf-8")
		before := push(f, bytesOf(c.text)...)
		got := framed{records: f.Last(), partial: f.Partial()}
		want := framed{partial: before.partial}
		if c.want != "" {
			want = framed{records: []Record{{Body: []byte(c.want)}}}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("at the end of %q come %v, want %v", c.text, got, want)
		}
	}
}
