package decode

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// framed is what a framer makes of an answer.
type framed struct {
	records []Record
	err     error
	partial bool
}

// String writes records as body, and fields if there are any.
func (f framed) String() string {
	var out strings.Builder
	for i, r := range f.records {
		if i > 0 {
			out.WriteString(" | ")
		}
		if r.Body != nil {
			fmt.Fprintf(&out, "%s", r.Body)
		} else {
			out.WriteString("nil")
		}
		if r.Header != nil {
			fields, _ := json.Marshal(r.Header) // which sorts them
			fmt.Fprintf(&out, " %s", fields)
		}
	}
	end := ""
	if f.err != nil {
		end = fmt.Sprintf("! %v", f.err)
	} else if f.partial {
		end = "…"
	}
	if len(f.records) > 0 && end != "" {
		out.WriteByte(' ')
	}
	return out.String() + end
}

// push has a framer read chunks, each from memory that is overwritten before the next one.
func push(f Framer, chunks ...string) (got framed) {
	var p []byte
	for _, chunk := range chunks {
		p = append(p[:0], chunk...)
		records, err := f.Push(p)
		for i := range p {
			p[i] = '#'
		}
		got.records = append(got.records, records...)
		if got.err != nil && (err != got.err || records != nil) {
			panic("after an error there are records, or another one")
		}
		got.err = err
	}
	if got.partial = f.Partial(); got.err != nil {
		got.partial = false
	}
	return got
}

// checkChunks checks that it does not matter how an answer is divided into chunks.
func checkChunks(t *testing.T, newFramer func() Framer, text string) framed {
	t.Helper()
	want := push(newFramer(), text)
	if got := push(newFramer(), strings.Split(text, "")...); !reflect.DeepEqual(got, want) {
		if bytewise := push(newFramer(), bytesOf(text)...); !reflect.DeepEqual(bytewise, want) {
			t.Fatalf("of %q, byte by byte: %v, want %v", text, bytewise, want)
		}
		t.Fatalf("of %q, character by character: %v, want %v", text, got, want)
	}
	step := max(1, len(text)/500)
	for i := 0; i <= len(text); i += step {
		if got := push(newFramer(), text[:i], "", text[i:]); !reflect.DeepEqual(got, want) {
			t.Fatalf("of %q, cut at %d: %v, want %v", text, i, got, want)
		}
	}
	if got := push(newFramer(), bytesOf(text)...); !reflect.DeepEqual(got, want) {
		t.Fatalf("of %q, byte by byte: %v, want %v", text, got, want)
	}
	return want
}

func bytesOf(text string) []string {
	all := make([]string, len(text))
	for i := range all {
		all[i] = text[i : i+1]
	}
	return all
}

// framerCases are answers, and what is made of them.
type framerCases []struct{ name, text, want string }

func (all framerCases) run(t *testing.T, newFramer func() Framer) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := checkChunks(t, newFramer, c.text).String(); got != c.want {
				t.Errorf("%q is\n%s, want\n%s", c.text, got, c.want)
			}
		})
	}
}

// steadyAnswer is an answer of some records, and the framer for it.
type steadyAnswer struct {
	name      string
	newFramer func(limit int) Framer
	text      string
	records   int
	large     func(size int) string // an answer with a record of a size
}

// hasSize reports whether a record fills a limit, or nearly.
func (c steadyAnswer) hasSize(r Record, limit int) bool {
	return len(r.Body) > limit-20 && len(r.Body) <= limit
}

var steady = []steadyAnswer{
	{
		"lines", func(limit int) Framer { return NewLineFramer("", limit) }, `{"id":1,"text":"some text"}` + "\r\n\n" + `{"id":2}` + "\n", 2,
		func(size int) string { return strings.Repeat("x", size) + "\n" },
	},
	{
		"lines with a separator", func(limit int) Framer { return NewLineFramer("ab", limit) }, "a a a aab1aab", 2,
		func(size int) string { return strings.Repeat("aa", size/2) + "ab" },
	},
	{
		"json", NewJSONFramer, `{"id":1,"text":"some text"},` + "\n" + `{"id":2,"list":[1,-2e5,true]}` + "\n\x1e17 ", 3,
		func(size int) string { return `{"a":"` + strings.Repeat("x", size-8) + `"}` },
	},
	{
		"json in an array", func(limit int) Framer { f := NewJSONFramer(limit); f.Push([]byte("[")); return f }, `{"id":1,"text":"some text"},`, 1,
		func(size int) string { return "[" + strings.Repeat("[1],", size/4-1) + "[]]" },
	},
	{
		"sse", NewEventFramer, ": hello\n\nid: 1\nevent: price\ndata: {\"a\":1}\ndata: 2\n\ndata: 3\r\n\r\n", 2,
		func(size int) string {
			return strings.Repeat("data: "+strings.Repeat("x", 63)+"\n", size/64) + "data: " + strings.Repeat("x", size%64) + "\n\n"
		},
	},
	{
		"multipart", partsOf("multipart/x-mixed-replace; boundary=x"), "--x\r\nContent-Length: 3\r\n\r\nabc\r\n--x\r\nEtag: 5\r\n\r\nabc\r\nd\r\n--x\r\n\r\n\r\n", 2,
		func(size int) string { return "--x\r\n\r\n" + strings.Repeat("\r\n--y", (size-2)/5) + "\r\n--x" },
	},
	{
		"scripts", NewCallFramer, `<p>text</p><script>parent.update({"id":1,"a":[1,2,3]});` + "\n" + `f('it\'s', 2)</script>` + "\n", 2,
		func(size int) string { return `<script>f("` + strings.Repeat("x", size-2) + `")</script>` },
	},
	{
		"in another charset", func(limit int) Framer {
			return NewCharsetFramer(NewLineFramer("|", limit), "text/plain; charset=shift_jis")
		},
		"some text|\x83|\x83X\x83g|\xb1|", 3,
		func(size int) string { return strings.Repeat("\xb1", size/3) + "|" }, // of three bytes in UTF-8
	},
}

func partsOf(contentType string) func(limit int) Framer {
	return func(limit int) Framer {
		f, err := NewPartFramer(contentType, limit)
		if err != nil {
			panic(err)
		}
		return f
	}
}

// What has arrived of a record is never read again.
func TestALargeRecordTakesLinearTime(t *testing.T) {
	for _, c := range steady {
		t.Run(c.name, func(t *testing.T) {
			const limit = 2 << 20
			text := []byte(c.large(limit))
			for _, chunk := range []int{1, 32 << 10} {
				f := c.newFramer(limit)
				started := time.Now()
				count := 0
				for p := range slices.Chunk(text, chunk) {
					records, err := f.Push(p)
					if err != nil {
						t.Fatal(err)
					}
					if count += len(records); time.Since(started) > time.Minute {
						t.Fatal("it takes more than a minute")
					}
				}
				if c.name != "json in an array" && count != 1 {
					t.Errorf("%d records of %d bytes", count, chunk)
				}
				t.Logf("%v in chunks of %d bytes", time.Since(started), chunk)
			}
		})
	}
}

// A day of records leaves no more memory than the first ones.
func TestRecordsLeaveNoMemory(t *testing.T) {
	for _, c := range steady {
		t.Run(c.name, func(t *testing.T) {
			f := c.newFramer(1 << 20)
			text := []byte(c.text)
			const most = 500_000
			half, count := heapAfter(func() { f.Push(text); f.Push(text) }), 0
			all := heapAfter(func() {
				for count < most {
					for _, n := range []int{len(text), len(text) / 2} { // whole records, and halves
						for p := range slices.Chunk(text, n) {
							records, err := f.Push(p)
							if err != nil {
								t.Fatal(err)
							}
							count += len(records)
						}
					}
				}
			})
			if all > half+64<<10 {
				t.Errorf("%d records leave %d bytes", count, all-half)
			}
			runtime.KeepAlive(f)
		})
	}
}

// heapAfter returns how much memory is in use after something has been done.
func heapAfter(do func()) int64 {
	do()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Of a record that never ends no more is held than the limit, and the room that a slice grows by.
func TestARecordIsBounded(t *testing.T) {
	for _, c := range steady {
		if c.name == "json in an array" {
			continue // each of its elements is a record
		}
		t.Run(c.name, func(t *testing.T) {
			const limit = 1 << 20
			good := push(c.newFramer(limit), c.text, c.large(limit))
			if good.err != nil || len(good.records) != c.records+1 || !c.hasSize(good.records[c.records], limit) {
				t.Errorf("a record as large as it may be: %d records, %v", len(good.records), good.err)
			}
			whole := push(c.newFramer(limit), c.text, c.large(limit+20), c.text)
			if !errors.Is(whole.err, ErrRecordTooLarge) || len(whole.records) != c.records {
				t.Errorf("a larger one: %d records, %v", len(whole.records), whole.err)
			}
			pieces := push(c.newFramer(limit), append([]string{c.text}, bytesOf(c.large(limit+20))...)...)
			if !errors.Is(pieces.err, ErrRecordTooLarge) || len(pieces.records) != c.records {
				t.Errorf("in pieces: %d records, %v", len(pieces.records), pieces.err)
			}
		})
	}
}

// A record that is kept keeps no large memory of others.
func TestARecordKeepsNoLargeMemory(t *testing.T) {
	f := NewCallFramer(1 << 20)
	text := []byte(`<script>f(1)</script>` + strings.Repeat("<p>text</p>", 3000))
	var kept []Record
	before := heapAfter(func() { f.Push(text) })
	after := heapAfter(func() {
		for range 1000 {
			records, _ := f.Push(text)
			kept = append(kept, records...)
		}
	})
	if each := (after - before) / int64(len(kept)); each > 1000 {
		t.Errorf("a record of one byte keeps %d", each)
	}
	runtime.KeepAlive(kept)
}

func TestFramersHaveRecordsOfSteadyAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range steady {
		got := checkChunks(t, func() Framer { return c.newFramer(1000) }, strings.Repeat(c.text, 3))
		if got.err != nil || len(got.records) != 3*c.records {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func BenchmarkFramers(b *testing.B) {
	for _, c := range steady {
		b.Run(c.name, func(b *testing.B) {
			f := c.newFramer(1 << 20)
			text := []byte(strings.Repeat(c.text, 1+(4<<10)/len(c.text)))
			per := c.records * (len(text) / len(c.text))
			b.ReportAllocs()
			b.SetBytes(int64(len(text) / per))
			for range b.N/per + 1 {
				if _, err := f.Push(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func fuzzFramer(f *testing.F, newFramer func() Framer) {
	f.Fuzz(func(t *testing.T, text []byte, cuts []byte) {
		if len(text) <= 1<<12 {
			checkCuts(t, newFramer, text, cuts)
		}
	})
}

// checkCuts checks that cuts into chunks of some lengths do not matter.
func checkCuts(t *testing.T, newFramer func() Framer, text, cuts []byte) {
	t.Helper()
	want := push(newFramer(), string(text))
	var chunks []string
	rest := string(text)
	for _, n := range cuts {
		n := min(int(n), len(rest))
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	if got := push(newFramer(), append(chunks, rest)...); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q in chunks %q: %v, want %v", text, chunks, got, want)
	}
	if got := push(newFramer(), bytesOf(string(text))...); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q byte by byte: %v, want %v", text, got, want)
	}
	for _, r := range want.records {
		if r.Body == nil && r.Header == nil {
			t.Fatalf("%q has an empty record", text)
		}
	}
}

func FuzzLineFramer(f *testing.F) {
	for _, text := range []string{"a\r\nb\n\n c", "\ufeff1\r\r\n2", "<!doctype html>"} {
		f.Add([]byte(text), []byte{1, 2, 3})
	}
	fuzzFramer(f, func() Framer { return NewLineFramer("", 100) })
}

func FuzzLineFramerWithSeparator(f *testing.F) {
	for _, text := range []string{"aababab", "1aab2ab", "<html>ab"} {
		f.Add([]byte(text), []byte{1, 2, 3})
	}
	fuzzFramer(f, func() Framer { return NewLineFramer("ab", 100) })
}

func FuzzJSONFramer(f *testing.F) {
	for _, c := range jsonCases {
		f.Add([]byte(c.text), []byte{1, 2, 3})
	}
	fuzzFramer(f, func() Framer { return NewJSONFramer(100) })
}

func FuzzEventFramer(f *testing.F) {
	for _, c := range eventCases {
		f.Add([]byte(c.text), []byte{1, 2, 3})
	}
	fuzzFramer(f, func() Framer { return NewEventFramer(100) })
}

func FuzzPartFramer(f *testing.F) {
	for _, c := range partCases {
		f.Add([]byte(c.text), []byte{1, 2, 3})
	}
	fuzzFramer(f, func() Framer { return partsOf("multipart/mixed; boundary=--x")(100) })
}

func FuzzCallFramer(f *testing.F) {
	for _, c := range callCases {
		f.Add([]byte(c.text), []byte{1, 2, 3})
	}
	fuzzFramer(f, func() Framer { return NewCallFramer(100) })
}
