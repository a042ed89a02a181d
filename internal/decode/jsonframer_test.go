package decode

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

const (
	brokenValues = "! broken JSON where JSON values were expected"
	tooLarge     = "! a record is larger than `limits response` allows"
)

var jsonCases = framerCases{
	{"objects", `{"a":1}{"b":[{}]}` + "\n" + ` {"c":"}"}`, `{"a":1} | {"b":[{}]} | {"c":"}"}`},
	{"as it is written", "{ \"a\" :\n1.10 }", "{ \"a\" :\n1.10 }"},
	{"what may stand between", "\x1e{}\n\x1e1\n,\r\n\t\"a\",,null\x1e", `{} | 1 | "a" | null`},
	{"scalars", "0 -1.5e+3 true false null 1E9 0.0\n", "0 | -1.5e+3 | true | false | null | 1E9 | 0.0"},
	{"a number that may go on", "12", "…"},
	{"a literal that something may follow", "1 true", "1 …"},
	{"strings", `"a""\"\u00e9\\",`, `"a" | "\"\u00e9\\"`},
	{"an array that never closes", `[{"a":1},` + "\n" + `{"b":[1,2]}, 3,[4,[5]]`, `{"a":1} | {"b":[1,2]} | 3 | [4,[5]]`},
	{"an array that closes", `[1,2] {"a":3}[4]5 `, `1 | 2 | {"a":3} | 4 | 5`},
	{"an empty array", "[ ][]{}", "{}"},
	{"a scalar at the end of an array", "[1]", "1"},
	{"an array of arrays", "[[1],[2]]", "[1] | [2]"},
	{"half an object", `{"a":1}{"a":"`, `{"a":1} …`},
	{"within an open array", `[1,`, `1`},
	{"a byte order mark", "\ufeff{}", "{}"},
	{"half a byte order mark", "\xef\xbb{}", "! text where JSON values were expected"},
	{"as large as it may be", `{"a":"` + strings.Repeat("x", 92) + `"}` + strings.Repeat("1", 100) + ",2 ", `{"a":"` + strings.Repeat("x", 92) + `"} | ` + strings.Repeat("1", 100) + ` | 2`},
	{"larger", `1 {"a":"` + strings.Repeat("x", 93) + `"}`, "1 " + tooLarge},
	{"a larger number", strings.Repeat("1", 101) + " ", tooLarge},
	{"HTML", "<html>", "! HTML where JSON values were expected"},
	{"HTML between records", `{"a":1}<p>x`, `{"a":1} ! HTML where JSON values were expected`},
	{"XML", "<?xml version='1.0'?>", "! XML where JSON values were expected"},
	{"text", "Not found", "! text where JSON values were expected"},
	{"text that begins like a literal", "1 not found", "1 " + brokenValues},
	{"a comma too much", `{"a":1}{"a":1,}`, `{"a":1} ` + brokenValues},
	{"an element too little", `{"a":[1,]}`, brokenValues},
	{"no value", `{"a":}`, brokenValues},
	{"no key", `{1:2}`, brokenValues},
	{"no colon", `{"a" 1}`, brokenValues},
	{"the wrong bracket", `{"a":[1}`, brokenValues},
	{"a bracket too much", `{"a":1}]`, `{"a":1} ` + brokenValues},
	{"a brace too much", `{"a":1}}`, `{"a":1} ` + brokenValues},
	{"a string that a line ends", "{\"a\":\"x\n", brokenValues},
	{"an escape that is none", `"\x"`, brokenValues},
	{"a digit that is none", `"\u00g0"`, brokenValues},
	{"numbers that are none", "01 ", brokenValues},
	{"a point alone", "1. ", brokenValues},
	{"a minus alone", "[- ", brokenValues},
	{"nothing between scalars", "1true", brokenValues},
	{"nothing after a scalar", "1{}", brokenValues},
	{"a record that another one cuts", `{"id":1,"t` + "\x1e" + `{"id":2}`, brokenValues},
}

func TestJSONThatGoesOn(t *testing.T) {
	t.Parallel()
	jsonCases.run(t, func() Framer { return NewJSONFramer(100) })
}

func TestJSONThatGoesOnIsBoundedInDepth(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"":`, n) + "1" + strings.Repeat("}", n) }
	if got := push(NewJSONFramer(1<<20), deep(value.MaxDepth)); len(got.records) != 1 {
		t.Errorf("as deep as it may be: %v", got)
	}
	if got := push(NewJSONFramer(1<<20), deep(value.MaxDepth+1)); got.String() != "! JSON that is nested deeper than 1000 where JSON values were expected" {
		t.Errorf("deeper: %v", got)
	}
}

// FuzzJSONFramerKnowsJSON checks that a text is a record if it is JSON, and that each record is JSON.
func FuzzJSONFramerKnowsJSON(f *testing.F) {
	for _, c := range jsonCases {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := push(NewJSONFramer(1<<20), string(text)+"\n")
		for _, r := range got.records {
			if !value.ValidJSON(r.Body) {
				t.Fatalf("of %q, %q is a record", text, r.Body)
			}
		}
		inner := bytes.Trim(text, Space)
		if !value.ValidJSON(inner) {
			return
		}
		want := [][]byte{inner}
		if inner[0] == '[' {
			want = nil
			var elements []json.RawMessage
			if err := json.Unmarshal(inner, &elements); err != nil {
				return
			}
			for _, e := range elements {
				want = append(want, e)
			}
		}
		if len(got.records) != len(want) || got.err != nil || got.partial {
			t.Fatalf("%q is %v", text, got)
		}
		for i, r := range got.records {
			if !bytes.Equal(r.Body, want[i]) {
				t.Fatalf("%q is %v", text, got)
			}
		}
	})
}
