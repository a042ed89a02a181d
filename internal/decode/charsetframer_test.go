package decode

import (
	"reflect"
	"testing"
)

// inCharset returns what makes a framer of answers with a Content-Type.
func inCharset(contentType string, newFramer func(limit int) Framer) func() Framer {
	return func() Framer { return NewCharsetFramer(newFramer(40), contentType) }
}

// linesBy returns what makes a framer of lines with a separator.
func linesBy(separator string) func(limit int) Framer {
	return func(limit int) Framer { return NewLineFramer(separator, limit) }
}

func TestAnswersInAnotherCharsetThatGoOn(t *testing.T) {
	t.Parallel()
	framerCases{
		{"lines", "caf\xe9\nb\xe9", "café …"},
		{"a line as long as it may be in UTF-8", "0123456789012345678901234567890123456\x80\n", "0123456789012345678901234567890123456€"},
		{"a longer one", "a\n01234567890123456789012345678901234567\x80\n", "a ! a record is larger than `limits response` allows"},
		{"HTML", "<html>", "! HTML where lines were expected"},
		{"a byte order mark of UTF-8 counts more", "\ufeffé\n", "é"},
		{"a byte order mark of UTF-16 does", "\xff\xfea\x00\n\x00\xe9\x00\n\x00", "a | é"},
		{"what begins like a byte order mark", "\xef\xbba\n\xff\xfe\n", "ï»a | ÿþ"},
		{"a first letter that may begin one", "\xfe", "…"},
		{"nothing", "", ""},
	}.run(t, inCharset("text/plain; charset=iso-8859-1", linesBy("")))
	framerCases{
		{"letters with the separator in them", "\x83|\x83X\x83g|\xb1|", "ポスト | ｱ"},
		{"half a letter", "a|\x83", "a …"},
	}.run(t, inCharset("text/plain; charset=shift_jis", linesBy("|")))
	framerCases{
		{"values", `{"a":"` + "\x95\x5c" + `"} "` + "\x83\x5b" + `" `, `{"a":"表"} | "ゼ"`},
		{"half a value", `{"a":"` + "\x95", "…"},
	}.run(t, inCharset("application/json; charset=Shift_JIS", NewJSONFramer))
	framerCases{
		{"calls", `<script>up("caf` + "\xe9" + `", {"a":"` + "\xe9" + `"})</script>`, `["café",{"a":"é"}] {"Call":["up"]}`},
	}.run(t, inCharset("text/html; charset=iso-8859-1", NewCallFramer))
	framerCases{
		{"a pair of surrogates", "=\xd8\x00\xde\n\x00", "😀"},
		{"half a pair", "a\x00\n\x00=\xd8", "a …"},
	}.run(t, inCharset("text/plain; charset=utf-16le", linesBy("")))
	framerCases{
		{"a line begins in the charset that the one before ended in", "\x1b$B8l\n\x1b$B8l\x1b(B\n", "語 | 語"},
	}.run(t, inCharset("text/plain; charset=iso-2022-jp", linesBy("")))
}

func TestTheEndOfAnAnswerEndsACharacter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, charset, text, want string }{
		{"a separator after half a letter", "gb18030", "\xa1\xa1|\xa20|", "\u3000 | \ufffd0"},
		{"half a letter in a line", "gb18030", "a|\xa20", "a …"},
		{"an object with half a letter behind it", "gb18030", `{"a":1}` + "\xa2", "…"},
		{"an object without a separator", "shift_jis", `{"a":"` + "\x83\x58" + `"}`, `{"a":"ス"}`},
		{"what begins like a byte order mark", "iso-8859-1", "\xff", "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := NewCharsetFramer(NewLineFramer("|", 40), "text/plain; charset="+c.charset)
			got := push(f, c.text)
			got.records = append(got.records, f.Last()...)
			got.partial = f.Partial()
			if got.String() != c.want {
				t.Errorf("%q is %s, want %s", c.text, got, c.want)
			}
			if again := f.Last(); again != nil {
				t.Errorf("%q ends twice, then with %v", c.text, again)
			}
		})
	}
	f := NewCharsetFramer(NewJSONFramer(40), "application/json; charset=gb18030")
	push(f, "[1] \xa2")
	if records := f.Last(); records != nil || !f.Partial() {
		t.Errorf("half a letter that is no JSON ends an answer with %v", records)
	}
}

func TestAnswersInUTF8ThatGoOnStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"", "text/plain", "text/plain; charset=UTF-8", "text/plain; charset=unheard-of", "/;"} {
		framerCases{
			{"letters", "é\n", "é"},
			{"a byte order mark", "\ufeffa\n", "a"},
			{"bytes that are no UTF-8", "\xe9\xff\n", "\xe9\xff"},
			{"a byte order mark of UTF-16", "\xfe\xff\x00\xe9\x00\n", "é"},
		}.run(t, inCharset(contentType, linesBy("")))
	}
}

// FuzzCharsetFramer checks also that the records are those of the whole text in UTF-8.
func FuzzCharsetFramer(f *testing.F) {
	f.Add([]byte("caf\xe9|"), []byte{1, 2, 3}, "iso-8859-1")
	f.Add([]byte("\x83|\x83X\x83g|"), []byte{1}, "shift_jis")
	f.Add([]byte("\x1b$B8l|\x1b(B|"), []byte{1, 1, 1}, "iso-2022-jp")
	f.Add([]byte("\x811\x818|\xa2\xe3|"), []byte{1, 2}, "gb18030")
	f.Add([]byte("\xa20|"), []byte{1, 1}, "gb18030")
	f.Add([]byte("\x88\x62|\xa4@|"), []byte{1}, "big5")
	f.Add([]byte("\x8f\xa2\xaf|\x8e\xb1|"), []byte{1, 1}, "euc-jp")
	f.Add([]byte("\xb0\xa1|"), []byte{1}, "euc-kr")
	f.Add([]byte("\xff\xfe=\xd8\x00\xde|\x00"), []byte{1, 4}, "")
	f.Fuzz(func(t *testing.T, text, cuts []byte, charset string) {
		if len(text) > 1<<12 {
			return
		}
		contentType := "text/plain; charset=" + charset
		checkCuts(t, func() Framer { return NewCharsetFramer(NewLineFramer("|", 100), contentType) }, text, cuts)

		whole := text
		if enc, _ := encodingFor(text, contentType); enc != nil {
			whole, _ = enc.NewDecoder().Bytes(text)
		}
		want, got := NewLineFramer("|", 1<<16), NewCharsetFramer(NewLineFramer("|", 1<<16), contentType)
		wanted := append(push(want, string(whole)).records, want.Last()...)
		records := append(push(got, string(text)).records, got.Last()...)
		if !reflect.DeepEqual(records, wanted) || got.Partial() != want.Partial() {
			t.Fatalf("%q has the records %v, in UTF-8 %v", text, records, wanted)
		}
	})
}
