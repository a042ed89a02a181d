package value

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func mustParse(t testing.TB, src string) Value {
	t.Helper()
	v, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValueKeepsTheUpstreamsBytes(t *testing.T) {
	t.Parallel()
	const scope = `{"price":1.10,"big":9007199254740993,"exp":1E+2,"obj":{"a": 1,` + "\n" + `"b":"c"},"list":[1, 2],` +
		`"text":"plain","esc":"a\n\"b\" \u00e9\ud83d\ude00","empty":"","null":null,"yes":true,"a.b":"dotted"}`
	for src, want := range map[string]string{
		`price`:     "1.10",
		`big`:       "9007199254740993",
		`exp`:       "1E+2",
		`obj`:       `{"a": 1,` + "\n" + `"b":"c"}`,
		`list`:      "[1, 2]",
		`list.#`:    "2",
		`text`:      "plain",
		`esc`:       "a\n\"b\" é😀",
		`empty`:     "",
		`null`:      "null",
		`yes`:       "true",
		`a\.b`:      "dotted",
		`@this`:     scope,
		`=price`:    "price",
		`={a.b}`:    "{a.b}",
		`=`:         "",
		`[yes,big]`: "[true,9007199254740993]",
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			v := mustParse(t, src)
			got := v.Get([]byte(scope), nil)
			if got == nil || string(got) != want {
				t.Errorf("got %q (nil: %v), want %q", got, got == nil, want)
			}
			if v.String() != src || v.IsZero() {
				t.Errorf("the value reads back as %q, zero: %v", v, v.IsZero())
			}
		})
	}
}

func TestValueOfAStringItemIsTheStringItself(t *testing.T) {
	t.Parallel()
	for item, want := range map[string]string{
		`"plain"`:      "plain",
		`"a\tb"`:       "a\tb",
		`""`:           "",
		`42.0`:         "42.0",
		`{"a": 1}`:     `{"a": 1}`,
		`"<b>[1]</b>"`: "<b>[1]</b>",
	} {
		if got := mustParse(t, "@this").Get([]byte(item), nil); got == nil || string(got) != want {
			t.Errorf("@this of %s is %q, want %q", item, got, want)
		}
	}
}

func TestValueIsNilWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	env := &Env{Cursor: map[string]string{"name": "x"}}
	for _, src := range []string{"missing", "obj.missing", "obj.0", "{sse.cursor}", "x{sse.cursor.other}", "{sse.cursor.name+1}"} {
		if got := mustParse(t, src).Get([]byte(`{"obj":{"a":1}}`), env); got != nil {
			t.Errorf("%s is %q, want nil", src, got)
		}
	}
	if got := mustParse(t, "{sse.header.X-Missing}").Get(nil, env); got == nil || len(got) != 0 {
		t.Errorf("a missing header is %q (nil: %v), want an empty text", got, got == nil)
	}
	var zero Value
	if got := zero.Get([]byte(`{}`), env); got != nil || !zero.IsZero() || zero.NeedsJSON() {
		t.Errorf("the zero Value is %q", got)
	}
}

func TestParseTellsPathsTemplatesAndLiteralsApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src      string
		template bool
		json     bool
	}{
		{`id`, false, true},
		{`@this`, false, true},
		{`{id,user.name}`, false, true},
		{`{"n":user.name}`, false, true},
		{`{user.name,id}`, false, true},
		{`\{a.b\}`, false, true},
		{`@pretty:{"indent":"a.b"}`, false, true},
		{`={http.request.host}`, false, false},
		{`={sse.nonsense}`, false, false},
		{`{sse.status}`, true, false},
		{`{sse.header.X-Consul-Index}`, true, false},
		{`{sse.body}`, true, false},
		{`{sse.item}`, true, false},
		{`{sse.body.a.b}`, true, true},
		{`{sse.item.[a,b]}`, true, true},
		{`{http.request.host}/{sse.seq}`, true, false},
		{`{env.NAME}`, true, false},
	} {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			v := mustParse(t, tt.src)
			if got := !v.template.IsZero(); got != tt.template {
				t.Errorf("template: %v, want %v", got, tt.template)
			}
			if got := v.NeedsJSON(); got != tt.json {
				t.Errorf("NeedsJSON: %v, want %v", got, tt.json)
			}
		})
	}
}

func TestParseRefusesWithAReason(t *testing.T) {
	t.Parallel()
	for src, reason := range map[string]string{
		``:                   "empty",
		`a.`:                 "ends at '.'",
		`new message)`:       `a literal is written "=new message)"`,
		`{sse.nonsense}`:     "{sse.nonsense}",
		`id-{sse.body.a`:     "not closed",
		`{sse.item.@tihs.a}`: "no modifier @tihs",
	} {
		if v, err := Parse(src); err == nil || !strings.Contains(err.Error(), reason) || !v.IsZero() {
			t.Errorf("Parse(%q) = %q, %v: the error should say %q", src, v, err, reason)
		}
	}
}

func TestValueBindResolvesTemplatesOnly(t *testing.T) {
	t.Parallel()
	resolve := func(s string) string { return strings.ReplaceAll(s, "{http.user}", "ann") }
	env := &Env{Seq: 3}
	scope := []byte(`{"id":7}`)
	for src, want := range map[string]string{"id": "7", "={http.user}": "{http.user}", "{http.user}#{sse.seq}": "ann#3"} {
		v := mustParse(t, src)
		if got := v.Bind(resolve).Get(scope, env); string(got) != want {
			t.Errorf("%s bound is %q, want %q", src, got, want)
		}
	}
	if v := mustParse(t, "{http.user}"); string(v.Bind(resolve).Get(nil, env)) == string(v.Get(nil, env)) {
		t.Error("Bind changed the value it was called on, or nothing")
	}
}

func TestGetSharesItsScopeAndAppendingDoesNotReachIt(t *testing.T) {
	t.Parallel()
	scope := []byte(`{"a":[1,2],"b":"text","c":3}`)
	for _, src := range []string{"a", "b", "c"} {
		got := mustParse(t, src).Get(scope, nil)
		if i := bytes.Index(scope, got); i < 0 || &scope[i] != &got[0] {
			t.Errorf("%s was copied", src)
		}
		_ = append(got, '!')
	}
	lit := mustParse(t, "=lit")
	_ = append(lit.Get(nil, nil), '!')
	if string(scope) != `{"a":[1,2],"b":"text","c":3}` || string(lit.Get(nil, nil)) != "lit" {
		t.Error("appending to a result changed what it came from")
	}
}

func TestGetOfAPlainPathDoesNotAllocate(t *testing.T) {
	scope := []byte(`{"id":42,"price":1.10,"text":"plain","user":{"name":"ann","tags":["a","b"]},"null":null}`)
	for _, src := range []string{"id", "price", "text", "user", "user.name", "user.tags.1", "null", "missing", "@this", "=literal"} {
		v := mustParse(t, src)
		if n := testing.AllocsPerRun(100, func() { v.Get(scope, nil) }); n != 0 {
			t.Errorf("%s took %v allocations, want none", src, n)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, src := range []string{"id", "=x", "{sse.cursor+1}", `{"a":"{sse.body.id}"}`, "{http.x}{sse.header.ETag}", "{id,b.c}", `a.#(b=="{sse.status}")`} {
		f.Add(src, `{"id":"a\u0000b","b":[1,2]}`, "41")
		f.Add(src, `"[{sse.id}]"`, "")
	}
	f.Fuzz(func(t *testing.T, src, scope, cursor string) {
		v, err := Parse(src)
		if (err == nil) == v.IsZero() {
			t.Fatalf("Parse(%q) = %q, %v", src, v, err)
		}
		if err != nil || !ValidJSON([]byte(scope)) {
			return
		}
		env := &Env{
			Status: 200, Header: http.Header{"Etag": {cursor}}, Body: []byte(scope), Item: []byte(scope),
			Cursor: map[string]string{"": cursor}, ID: "id", Seq: 1,
		}
		got := v.Bind(func(s string) string { return s + "!" }).Get([]byte(scope), env)
		if string(env.Body) != scope {
			t.Fatal("the body changed")
		}
		if v.literal != nil && string(got) != src[1:] {
			t.Fatalf("the literal %q is %q", src, got)
		}
	})
}

// FuzzValueAgainstEncodingJSON has the standard library say what a member is.
func FuzzValueAgainstEncodingJSON(f *testing.F) {
	f.Add(`{"id":1.10}`)
	f.Add(`{"id":"a\u00e9\ud83d\ude00\n"}`)
	f.Add(`{ "x" : {"id":2} , "id" : {"a": [1, 2]} }`)
	f.Add(`{"\u0069d":9007199254740993}`)
	f.Add(`{"id":null}`)
	v := mustParse(f, "id")
	f.Fuzz(func(t *testing.T, doc string) {
		dec := map[string]json.RawMessage{}
		if !utf8.ValidString(doc) || !ValidJSON([]byte(doc)) || json.Unmarshal([]byte(doc), &dec) != nil || dec == nil {
			return
		}
		if strings.Count(doc, "id")+strings.Count(doc, `\u`) != 1 {
			return // gjson takes the first of members with equal names, encoding/json the last
		}
		got, want := v.Get([]byte(doc), nil), []byte(dec["id"])
		if len(want) > 0 && want[0] == '"' {
			var s string
			if err := json.Unmarshal(want, &s); err != nil {
				t.Fatal(err)
			}
			want = []byte(s)
		}
		if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
			t.Fatalf("id of %s is %q, want %q", doc, got, want)
		}
	})
}
