package page

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"pgregory.net/rapid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// apply applies a patch with another implementation, to what JSON.parse makes of a document.
// That implementation knows no documents but objects and arrays.
func apply(t interface{ Fatalf(string, ...any) }, doc, patch []byte) []byte {
	var whole []struct {
		Path  string
		Value json.RawMessage
	}
	if err := json.Unmarshal(patch, &whole); err != nil {
		t.Fatalf("the patch %s: %v", patch, err)
	}
	switch {
	case len(whole) == 0:
		return doc
	case whole[0].Path == "" && len(whole) == 1:
		return whole[0].Value
	}
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("the patch %s: %v", patch, err)
	}
	out, err := p.Apply(canonical(doc))
	if err != nil {
		t.Fatalf("%s, applied to %s: %v", patch, doc, err)
	}
	return out
}

// emptyKey reports whether an object in v has the key "", which the other implementation
// takes for the object itself.
func emptyKey(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, emptyKey)
	case map[string]any:
		for k, e := range v {
			if k == "" || emptyKey(e) {
				return true
			}
		}
	}
	return false
}

// fullPatch is the patch however long it is.
func fullPatch(t interface{ Fatalf(string, ...any) }, before, after []byte) []byte {
	old, err := value.Decode(before)
	if err != nil {
		t.Fatalf("%s: %v", before, err)
	}
	now, err := value.Decode(after)
	if err != nil {
		t.Fatalf("%s: %v", after, err)
	}
	patch, ok, err := compareDocuments(old, now, math.MaxInt, 64<<20)
	if err != nil || !ok {
		t.Fatalf("%s to %s: %v, %v", before, after, ok, err)
	}
	return patch
}

func TestDiffOfTraps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, after, want string }{
		{"big integers", `{"n":9007199254740992}`, `{"n":9007199254740993}`, `[{"op":"replace","path":"/n","value":9007199254740993}]`},
		{"as written", `{"n":1.0}`, `{"n":1.00}`, `[{"op":"replace","path":"/n","value":1.00}]`},
		{"exponents", `{"n":100}`, `{"n":1E2}`, `[{"op":"replace","path":"/n","value":1E2}]`},
		{"zeros", `{"n":0}`, `{"n":-0}`, `[{"op":"replace","path":"/n","value":-0}]`},
		{"beyond floats", `{"n":1e400}`, `{"n":1e401}`, `[{"op":"replace","path":"/n","value":1e401}]`},
		{"many digits", `{"n":0.1000000000000000055511151231257827}`, `{"n":0.1}`, `[{"op":"replace","path":"/n","value":0.1}]`},
		{"a number and a string", `{"n":1}`, `{"n":"1"}`, `[{"op":"replace","path":"/n","value":"1"}]`},
		{"to null", `{"n":1}`, `{"n":null}`, `[{"op":"replace","path":"/n","value":null}]`},
		{"from null", `{"n":null}`, `{"n":0}`, `[{"op":"replace","path":"/n","value":0}]`},
		{"null and absent", `{"n":null}`, `{}`, `[{"op":"remove","path":"/n"}]`},
		{"absent and null", `{}`, `{"n":null}`, `[{"op":"add","path":"/n","value":null}]`},
		{"empty values", `{"n":[]}`, `{"n":{}}`, `[{"op":"replace","path":"/n","value":{}}]`},
		{
			"keys with slashes and tildes", `{"a/b":1,"c~d":1,"~1":1}`, `{"a/b":2,"c~d":2,"~1":2}`,
			`[{"op":"replace","path":"/a~1b","value":2},{"op":"replace","path":"/c~0d","value":2},{"op":"replace","path":"/~01","value":2}]`,
		},
		{"the empty key", `{"":{"":1}}`, `{"":{"":2}}`, `[{"op":"replace","path":"//","value":2}]`},
		{"keys with backslashes", `{"\\":1,"\"":1}`, `{"\\":2,"\"":2}`, `[{"op":"replace","path":"/\"","value":2},{"op":"replace","path":"/\\","value":2}]`},
		{"keys like indexes", `{"0":1,"-":1}`, `{"0":2,"-":2}`, `[{"op":"replace","path":"/-","value":2},{"op":"replace","path":"/0","value":2}]`},
		{"equal keys", `{"n":1,"n":2}`, `{"n":1,"n":3}`, `[{"op":"replace","path":"/n","value":3}]`},
		{"what HTML escapes", `{"n":""}`, `{"n":"<a&b>"}`, `[{"op":"replace","path":"/n","value":"<a&b>"}]`},
		{"escapes", `{"n":"\u00e9\/"}`, `{"n":"é/"}`, `[]`},
		{"a surrogate pair", `{"n":"\ud83d\ude00"}`, `{"n":"\uD83D\uDE01"}`, `[{"op":"replace","path":"/n","value":"😁"}]`},
		{"order and white space", `{"a":1,"b":[1,2]}`, "{ \"b\":\t[1, 2],\n\"a\":1 }", `[]`},
		{"an item before the others", `{"n":[1,2,3]}`, `{"n":[0,1,2,3]}`, `[{"op":"add","path":"/n/0","value":0}]`},
		{"an item behind the others", `{"n":[1,2]}`, `{"n":[1,2,3]}`, `[{"op":"add","path":"/n/2","value":3}]`},
		{"a list that moves on", `{"n":[1,2,3]}`, `{"n":[2,3,4]}`, `[{"op":"remove","path":"/n/0"},{"op":"add","path":"/n/2","value":4}]`},
		{"items that change places", `{"n":[1,2,2]}`, `{"n":[2,1,1]}`, ``},
		{"equal numbers elsewhere", `{"n":1,"o":5}`, `{"n":1,"o":5,"p":2}`, `[{"op":"add","path":"/p","value":2}]`},
		{"an emptied list", `{"n":[1,2]}`, `{"n":[]}`, `[{"op":"remove","path":"/n/0"},{"op":"remove","path":"/n/0"}]`},
		{"within items", `{"n":[{"a":1},{"a":2}]}`, `{"n":[{"a":1},{"a":3}]}`, `[{"op":"replace","path":"/n/1/a","value":3}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// white space makes the document longer than any patch to it
			before, after := []byte(c.before), []byte(c.after+strings.Repeat(" ", 200))
			patch, ok, err := Diff(before, after)
			if err != nil || !ok {
				t.Fatalf("ok %v, %v", ok, err)
			}
			if c.want != "" {
				equal(t, "patch", string(patch), c.want)
			}
			if now, err := value.Decode(after); err != nil || emptyKey(now) {
				return
			}
			equal(t, "result", string(canonical(apply(t, before, patch))), string(canonical(after)))
		})
	}
}

func TestDiffWherePatchesAreNoGood(t *testing.T) {
	t.Parallel()
	spaces := strings.Repeat(" ", 1000)
	numbers := func(n, last int) string { return "[" + strings.Repeat("1,", n-1) + strconv.Itoa(last) + "]" }
	nested := func(depth int, inner string) string {
		return strings.Repeat("[", depth) + inner + strings.Repeat("]", depth)
	}
	for name, c := range map[string]struct {
		before, after string
		ok            bool
	}{
		"a patch that is longer":                {`{"a":1}`, `{"a":2}`, false},
		"one that is as long":                   {`{"a":1}`, `{"a":2}` + spaces[:40-7], true},
		"one byte longer":                       {`{"a":1}`, `{"a":2}` + spaces[:39-7], false},
		"another kind of document":              {`{"a":1}`, `[1,2,3]`, false},
		"text before":                           {`plain`, `{"a":1}` + spaces, false},
		"text after":                            {`{"a":1}`, `plain` + spaces, false},
		"nothing before":                        {``, `{"a":1}` + spaces, false},
		"two texts":                             {`{"a":1}`, `{"a":1}{"a":2}` + spaces, false},
		"half a pair, high":                     {`["\ud83d"]`, `["\ud83e"]` + spaces, false},
		"half a pair, low":                      {`["x"]`, `["\uDE00"]` + spaces, false},
		"half a pair before a character":        {`["x"]`, `["\ud83d\u00e9"]` + spaces, false},
		"two high halves":                       {`["x"]`, `["\ud83d\ud83d\ude00"]` + spaces, false},
		"half a pair as a key":                  {`{"\udbff":1}`, `{"\udbfe":1}` + spaces, false},
		"a backslash before what looks like it": {`["\\ud83d"]`, `["\\ud83d","\\\\ude00"]` + spaces, true},
		"as deep as JSON may be":                {nested(1000, "1"), nested(1000, "2") + strings.Repeat(" ", 4000), true},
		"deeper":                                {nested(1001, "1"), nested(1001, "2") + strings.Repeat(" ", 4000), false},
		"many values":                           {numbers(2_500, 1), numbers(2_500, 2), true},
		"too many values":                       {numbers(200_001, 1), numbers(200_001, 2), false},
		"many values, deep":                     {nested(300, numbers(100_000, 1)), nested(300, numbers(100_000, 2)), false},
		"long paths": {
			`{"` + strings.Repeat("k", 1<<20) + `":` + numbers(100, 1) + `}`,
			`{"` + strings.Repeat("k", 1<<20) + `":` + numbers(100, 2) + `}`, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			patch, ok, err := Diff([]byte(c.before), []byte(c.after))
			if err != nil || ok != c.ok || ok != (patch != nil) || ok && len(patch) > len(c.after) {
				t.Errorf("%d bytes, ok %v, %v", len(patch), ok, err)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

var trapKeys = []string{"a", "b", "0", "-", "-1", "a/b", "~", "~0", "~1", "\\", "\"", "é", "<&>", "__proto__"}

// documents draws values with the traps of numbers, keys and strings.
func documents() *rapid.Generator[any] {
	number := rapid.Map(rapid.SampledFrom([]string{
		"0", "-0", "1", "1.0", "1.00", "1e0", "1E2", "100", "9007199254740992", "9007199254740993",
		"18446744073709551617", "1e400", "0.1",
	}), func(s string) any { return json.Number(s) })
	text := rapid.Map(rapid.SampledFrom([]string{"", "a", "1", "<&>", "é\u2028\"\\", "\x00\x7f", "😀", "\uFFFD"}), func(s string) any { return s })
	key := rapid.SampledFrom(trapKeys)
	other := rapid.SampledFrom([]any{nil, true, false})
	value := rapid.OneOf(number, text, other)
	for range 3 {
		inner := value
		value = rapid.OneOf(inner, number,
			rapid.Map(rapid.SliceOfN(inner, 0, 6), func(v []any) any { return v }),
			rapid.Map(rapid.MapOfN(key, inner, 0, 5), func(v map[string]any) any { return v }))
	}
	return value
}

// changed draws a value that is like v, but for some places.
func changed(t *rapid.T, v any, fresh *rapid.Generator[any]) any {
	if rapid.IntRange(0, 9).Draw(t, "change") == 0 {
		return fresh.Draw(t, "fresh")
	}
	switch v := v.(type) {
	case []any:
		var out []any
		for _, e := range v {
			switch rapid.IntRange(0, 5).Draw(t, "item") {
			case 0:
				out = append(out, fresh.Draw(t, "before"), e)
			case 1: // removed
			case 2:
				out = append(out, changed(t, e, fresh))
			default:
				out = append(out, e)
			}
		}
		if out == nil {
			return []any{}
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for _, k := range trapKeys {
			if e, ok := v[k]; ok && rapid.IntRange(0, 5).Draw(t, "keep") > 0 {
				out[k] = changed(t, e, fresh)
			}
		}
		return out
	}
	return v
}

func TestPatchesInOrderGiveTheLastDocument(t *testing.T) {
	t.Parallel()
	fresh := documents()
	patches, snapshots := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		v := fresh.Draw(t, "first")
		last, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		client, full := last, last
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			v = changed(t, v, fresh)
			next, err := json.MarshalIndent(v, "", strings.Repeat(" ", rapid.IntRange(0, 40).Draw(t, "indent")))
			if err != nil {
				t.Fatal(err)
			}
			patch, ok, err := Diff(last, next)
			switch {
			case err != nil:
				t.Fatal(err)
			case ok && len(patch) > len(next):
				t.Fatalf("%s is longer than %s", patch, next)
			case ok:
				patches++
				client = apply(t, client, patch)
			default:
				snapshots++
				client = next
			}
			all := fullPatch(t, last, next)
			if (string(all) == "[]") != (string(canonical(last)) == string(canonical(next))) {
				t.Fatalf("%s to %s is %s", last, next, all)
			}
			full = apply(t, full, all)
			last = next
		}
		for name, got := range map[string][]byte{"patches and snapshots": client, "patches alone": full} {
			if string(canonical(got)) != string(canonical(last)) {
				t.Fatalf("%s give %s, want %s", name, canonical(got), canonical(last))
			}
		}
	})
	if patches == 0 || snapshots == 0 {
		t.Errorf("%d patches, %d snapshots: the test shows nothing", patches, snapshots)
	}
	t.Logf("%d patches, %d snapshots", patches, snapshots)
}

// Both ways to compare arrays must give patches that lead there.
func TestDiffOfLongLists(t *testing.T) {
	t.Parallel()
	list := func(from, n int) []byte {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(`{"id":%d,"name":"user %[1]d","price":1.10}`, from+i))
		}
		return []byte("[" + strings.Join(items, ",") + "]")
	}
	for n, want := range map[int]string{
		1000: `[{"op":"remove","path":"/0"},{"op":"add","path":"/999","value":{"id":1000,"name":"user 1000","price":1.10}}]`,
		2001: "",
	} {
		before, after := list(0, n), list(1, n)
		patch, ok, err := Diff(before, after)
		if err != nil || ok != (want != "") || string(patch) != want {
			t.Errorf("%d items: %.200s, %v, %v", n, patch, ok, err)
		}
		if string(canonical(apply(t, before, fullPatch(t, before, after)))) != string(canonical(after)) {
			t.Errorf("%d items: the patch leads elsewhere", n)
		}
	}
}

func FuzzDiff(f *testing.F) {
	for _, pair := range [][2]string{
		{`{"a":[1,2,{"b":null}]}`, `{"a":[2,{"b":[]}],"":1.0}`},
		{`[[1],[2]]`, `[[2],[1],[]]`},
		{`1`, `1.0`},
		{`"\ud83d\ude00"`, `"\ud83d"`},
		{`{"\\":{"~":1,"/":2}}`, `{"\\":{"~":2,"/":1}}`},
		{`{"a":1,"a":[]}`, `{"a":{},"a":null}`},
		{`[0,0,0]`, `[0]`},
		{"[\"\xff\"]", "[\"\xfe\"]"},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, before, after []byte) {
		patch, ok, err := Diff(before, after)
		if err != nil {
			t.Fatal(err)
		}
		if !diffable(before) || !diffable(after) {
			if ok {
				t.Fatalf("%q to %q is %s", before, after, patch)
			}
			return
		}
		full := fullPatch(t, before, after)
		if ok != (len(full) <= len(after)) || ok && string(full) != string(patch) {
			t.Fatalf("%q to %q is %s, %v", before, after, patch, ok)
		}
		old, _ := value.Decode(before)
		now, _ := value.Decode(after)
		if emptyKey([]any{old, now}) {
			return
		}
		if got := canonical(apply(t, before, full)); string(got) != string(canonical(after)) {
			t.Fatalf("%s leads from %q to %q, not %q", full, before, got, after)
		}
	})
}
