package sse

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAppendEventWritesTheFormat(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ typ, data, id, want string }{
		"all fields, id last":        {"price", "1.10", "42", "event: price\ndata: 1.10\nid: 42\n\n"},
		"a message":                  {"", "x", "", "data: x\n\n"},
		"no data":                    {"", "", "1", "data: \nid: 1\n\n"},
		"LF":                         {"", "a\nb", "", "data: a\ndata: b\n\n"},
		"CRLF is one line end":       {"", "a\r\nb", "", "data: a\ndata: b\n\n"},
		"CR":                         {"", "a\rb", "", "data: a\ndata: b\n\n"},
		"LF CR is two":               {"", "a\n\rb", "", "data: a\ndata: \ndata: b\n\n"},
		"CR CRLF is two":             {"", "a\r\r\nb", "", "data: a\ndata: \ndata: b\n\n"},
		"at both ends":               {"", "\na\r", "", "data: \ndata: a\ndata: \n\n"},
		"a space to begin with":      {"", " a", "", "data:  a\n\n"},
		"looks like fields":          {"", "id: 7\n\nevent: x", "", "data: id: 7\ndata: \ndata: event: x\n\n"},
		"U+2028 and NEL end no line": {"", "a\u2028b\u0085c", "", "data: a\u2028b\u0085c\n\n"},
		"NUL":                        {"", "a\x00b", "", "data: a\uFFFDb\n\n"},
		"invalid UTF-8":              {"", "a\xffb\xc3", "", "data: a\uFFFDb\uFFFD\n\n"},
		"line ends in the type":      {"a\r\nid: 9\x00", "x", "", "event: aid: 9\ndata: x\n\n"},
		"invalid UTF-8 in the type":  {"a\xff", "x", "", "event: a\uFFFD\ndata: x\n\n"},
		"a type of line ends only":   {"\r\n", "x", "", "data: x\n\n"},
		"LF in the id":               {"", "x", "1\n2", "data: x\n\n"},
		"CR in the id":               {"", "x", "1\r", "data: x\n\n"},
		"NUL in the id":              {"", "x", "\x00", "data: x\n\n"},
		"invalid UTF-8 in the id":    {"", "x", "1\xff", "data: x\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(AppendEvent(nil, tt.typ, []byte(tt.data), tt.id)); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	data := []byte("a\x00\xff\r")
	got := AppendRetry([]byte("x"), time.Second)
	got = AppendEvent(got, "t", data, "1")
	got = AppendComment(got, "c")
	if want := "xretry: 1000\nevent: t\ndata: a\uFFFD\uFFFD\ndata: \nid: 1\n\n: c\n\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if string(data) != "a\x00\xff\r" {
		t.Errorf("the caller's data became %q", data)
	}
}

func TestAppendCommentStaysAComment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 ":\n\n",
		"status 503":       ": status 503\n\n",
		"a\ndata: x\r\x00": ": adata: x\n\n",
		"\xff":             ": \uFFFD\n\n",
		"\n":               ":\n\n",
	} {
		if got := string(AppendComment(nil, text)); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

func TestAppendRetryWritesWholeMillisecondsOfAtLeastOne(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		3 * time.Second:         "retry: 3000\n",
		1999 * time.Microsecond: "retry: 1\n",
		time.Nanosecond:         "retry: 1\n",
		0:                       "retry: 1\n",
		-time.Second:            "retry: 1\n",
	} {
		if got := string(AppendRetry(nil, d)); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

// FuzzAppendEvent checks that what is written is UTF-8, and that nothing in it ends a line or an event early.
func FuzzAppendEvent(f *testing.F) {
	for _, s := range []struct{ typ, data, id, comment string }{
		{"", "", "", ""},
		{"price", `{"a": 1}`, "42", "upstream unreachable"},
		{"a\nb", "1\r\n2\r3\n4\n\r5", "x\x00", "\n\ndata: x"},
		{" ", " \xff\x00\ufeff", " 7", "\r"},
		{"\ufeff", "\u2028\u0085\n\n\n", "\xff", "\xff"},
	} {
		f.Add(s.typ, []byte(s.data), s.id, s.comment)
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte, id, comment string) {
		b := AppendComment(nil, comment)
		b = AppendRetry(b, time.Second)
		b = AppendEvent(b, typ, data, id)
		if !utf8.Valid(b) || bytes.ContainsAny(b, "\r\x00") {
			t.Fatalf("written %q", b)
		}
		if n := bytes.Count(b, []byte("\n\n")); n != 2 || !bytes.HasSuffix(b, []byte("\n\n")) {
			t.Fatalf("a comment and an event are written with %d ends: %q", n, b)
		}
	})
}

func TestAppendEventIntoRoomDoesNotAllocate(t *testing.T) {
	dst, data := make([]byte, 0, 1024), bytes.Repeat([]byte("0123456789\n"), 20)
	if n := testing.AllocsPerRun(100, func() { AppendEvent(dst, "price", data, "42~1.Zok5TkMq") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	data := []byte(`{"text":"` + strings.Repeat("x", 189) + `"}`)
	if len(data) != 200 {
		b.Fatalf("the event has %d bytes, want 200", len(data))
	}
	dst := make([]byte, 0, 512)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendEvent(dst[:0], "message", data, "1234567890")
	}
}
