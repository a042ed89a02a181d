package value

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func mustTemplate(t testing.TB, src string) Template {
	t.Helper()
	tpl, err := ParseTemplate(src)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func sample() *Env {
	return &Env{
		Status: 200,
		Header: http.Header{"X-Index": {"7", "8"}, "Etag": {`W/"a"`}},
		Body:   []byte(`{"next":"n\"1","list":[{"k":"}"}],"m":{"a":1,"b":2.50}}`),
		Item:   []byte(`{"id":42, "who":"ann"}`),
		Cursor: map[string]string{"": "41", "big": "9223372036854775807", "neg": "-1", "opaque": "a{sse.seq}b", "plus": "+1", "none": ""},
		ID:     "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		Seq:    12,
	}
}

func TestExpandPutsInWhatEnvHolds(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		``:                                   "",
		`no placeholder`:                     "no placeholder",
		`{sse.cursor}`:                       "41",
		`{"since":{sse.cursor}}`:             `{"since":41}`,
		`{"since":"{sse.cursor}","n":{}}`:    `{"since":"41","n":{}}`,
		`{sse.cursor}{sse.cursor+1}`:         "4142",
		`{sse.cursor-42}`:                    "-1",
		`{sse.cursor.big+1}`:                 "9223372036854775808",
		`{sse.cursor.neg+0001}`:              "0",
		`{sse.cursor+99999999999999999999}`:  "100000000000000000040",
		`{sse.cursor.opaque}`:                "a{sse.seq}b",
		`{sse.status}`:                       "200",
		`{sse.header.x-index}`:               "7",
		`{sse.header.ETag}`:                  `W/"a"`,
		`[{sse.header.Missing}]`:             "[]",
		`{sse.body.next}`:                    `n"1`,
		`{sse.body.list.#(k=="}").k}!`:       "}!",
		`{sse.body.m.{a,b}}`:                 `{"a":1,"b":2.50}`,
		`{"v":{sse.body.m.b}}`:               `{"v":2.50}`,
		`{sse.body.missing}`:                 "",
		`{sse.item}`:                         `{"id":42, "who":"ann"}`,
		`{sse.item.who}/{sse.item.id}`:       "ann/42",
		`{sse.id}`:                           "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		`{sse.seq}`:                          "12",
		`{sse} {SSE.id} {http.host} sse.id}`: "{sse} {SSE.id} {http.host} sse.id}",
		`\{sse.nonsense} {sse.seq}`:          `\{sse.nonsense} 12`,
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			tpl := mustTemplate(t, src)
			got, ok := tpl.Expand(sample())
			if !ok || got != want {
				t.Errorf("got %q, %v, want %q", got, ok, want)
			}
			if tpl.String() != src || tpl.IsZero() {
				t.Errorf("the template reads back as %q, zero: %v", tpl, tpl.IsZero())
			}
		})
	}
	if text, ok := (Template{}).Expand(sample()); text != "" || !ok || !(Template{}).IsZero() {
		t.Errorf("the zero Template is %q, %v", text, ok)
	}
}

func TestExpandOfTheWholeBodyKeepsItsBytes(t *testing.T) {
	t.Parallel()
	env := sample()
	got, _ := mustTemplate(t, "{sse.body}").Expand(env)
	want := string(env.Body)
	clear(env.Body)
	if got != want {
		t.Errorf("the text is %q, want a copy of the body, %q", got, want)
	}
}

func TestExpandSkipsTheEditWhereACursorCannotBeUsed(t *testing.T) {
	t.Parallel()
	env := sample()
	env.Cursor["long"] = strings.Repeat("9", maxDigits+1)
	for _, src := range []string{
		"{sse.cursor.none}", "{sse.cursor.missing}", "x{sse.cursor.missing}y", "{sse.cursor}{sse.cursor.none}",
		"{sse.cursor.none+1}", "{sse.cursor.opaque+1}", "{sse.cursor.plus+1}", "{sse.cursor.long-1}",
	} {
		if text, ok := mustTemplate(t, src).Expand(env); ok || text != "" {
			t.Errorf("%s expands to %q, %v, want it skipped", src, text, ok)
		}
	}
	if _, ok := mustTemplate(t, "{sse.cursor}").Expand(&Env{}); ok {
		t.Error("an Env without cursors expands {sse.cursor}")
	}
}

func TestExpandEscapesOnlyWhatItInserts(t *testing.T) {
	t.Parallel()
	env := &Env{Cursor: map[string]string{"": `x","admin":"1`}}
	got, ok := mustTemplate(t, `{"since":"{sse.cursor}"}`).ExpandEscaped(env, func(s string) string {
		q := strconv.Quote(s)
		return q[1 : len(q)-1]
	})
	if want := `{"since":"x\",\"admin\":\"1"}`; !ok || got != want {
		t.Errorf("got %s, %v, want %s", got, ok, want)
	}
}

func TestParseTemplateNamesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for src, reasons := range map[string][]string{
		`{sse.nonsense}`:      {"{sse.nonsense}", "{sse.header.NAME}"},
		`a {sse.Cursor} b`:    {"{sse.Cursor}", "{sse.cursor}"},
		`{sse.}`:              {"{sse.}", "{sse.cursor}"},
		`{sse.status.x}`:      {"{sse.status.x}", "{sse.status}"},
		`{sse.seq+1}`:         {"{sse.seq+1}"},
		`{sse.body+1}`:        {"{sse.body+1}"},
		`{sse.cursor.}`:       {"{sse.cursor.}", "letters"},
		`{sse.cursor.1a}`:     {"{sse.cursor.1a}"},
		`{sse.cursor.a-b}`:    {"{sse.cursor.a-b}"},
		`{sse.cursor+}`:       {"{sse.cursor+}"},
		`{sse.cursor +1}`:     {"{sse.cursor +1}"},
		`{sse.cursor+1.5}`:    {"{sse.cursor+1.5}"},
		`{sse.header}`:        {"{sse.header}", "name of a header"},
		`{sse.header.}`:       {"{sse.header.}"},
		`{sse.header.a b}`:    {"{sse.header.a b}"},
		`{sse.body.}`:         {"{sse.body.}", "empty"},
		`{sse.body.a.}`:       {"{sse.body.a.}", "ends at '.'"},
		`{sse.item.#(a=="b"}`: {`')' is missing`},
		`{sse.cursor`:         {"not closed"},
		`{sse.body.{a,b}`:     {"not closed"},
		`{sse.body.a"}`:       {"not closed"},
		`{sse.seq}{sse.nope}`: {"{sse.nope}"},
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			tpl, err := ParseTemplate(src)
			if err == nil {
				t.Fatalf("no error for %q", src)
			}
			for _, r := range reasons {
				if !strings.Contains(err.Error(), r) {
					t.Errorf("the error is %q, which does not say %q", err, r)
				}
			}
			if !tpl.IsZero() {
				t.Errorf("there is a template beside the error: %q", tpl)
			}
		})
	}
}

func TestBindResolvesEachTextOnce(t *testing.T) {
	t.Parallel()
	var seen []string
	resolve := func(s string) string {
		seen = append(seen, s)
		return strings.ReplaceAll(s, "{http.q}", "{env.SECRET}{sse.seq}{http.q}")
	}
	tpl := mustTemplate(t, `a={http.q}&b={sse.cursor}&c={sse.cursor.opaque}`)
	bound := tpl.Bind(resolve)
	again := bound.Bind(func(string) string { t.Error("what was bound is resolved again"); return "" })
	if want := []string{"a={http.q}&b=", "&c="}; !slices.Equal(seen, want) {
		t.Errorf("resolved %q, want %q", seen, want)
	}
	const want = "a={env.SECRET}{sse.seq}{http.q}&b=41&c=a{sse.seq}b"
	for _, b := range []Template{bound, again} {
		if got, ok := b.Expand(sample()); !ok || got != want {
			t.Errorf("got %q, %v, want %q", got, ok, want)
		}
		if b.String() != tpl.String() {
			t.Errorf("the bound template reads %q, want what was written", b)
		}
	}
	if got, _ := tpl.Expand(sample()); got != "a={http.q}&b=41&c=a{sse.seq}b" {
		t.Errorf("Bind changed the template it was called on: %q", got)
	}
	if b := (Template{}).Bind(resolve); !b.IsZero() {
		t.Error("the zero Template bound is not zero")
	}
}

func TestCursorsAreNamedOnce(t *testing.T) {
	t.Parallel()
	for src, want := range map[string][]string{
		"":             nil,
		"{sse.seq}":    nil,
		"{sse.cursor}": {""},
		"{sse.cursor.b}{sse.cursor+1}{sse.cursor.b-1}{sse.cursor}{sse.cursor.A_1}": {"b", "", "A_1"},
	} {
		if got := mustTemplate(t, src).Cursors(); !slices.Equal(got, want) {
			t.Errorf("%q reads %q, want %q", src, got, want)
		}
	}
}

func TestExpandAllocatesNoMoreThanTheText(t *testing.T) {
	env := sample()
	for src, most := range map[string]float64{"plain": 0, "?since={sse.cursor}&s={sse.status}&n={sse.seq}": 1, "{sse.header.X-Index}": 1} {
		tpl := mustTemplate(t, src)
		if n := testing.AllocsPerRun(100, func() { tpl.Expand(env) }); n > most {
			t.Errorf("%s took %v allocations, want at most %v", src, n, most)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, src := range []string{
		`{"since":{sse.cursor}}`, `{sse.cursor.a+1}{sse.cursor-1}`, `{sse.body.#(a=="}").b}`, `\{sse.x} {http.q}`,
		`{sse.status}{sse.header.ETag}{sse.id}{sse.seq}{sse.item}`, `{{sse.seq}}`, `{sse.{sse.seq}}`, ``,
	} {
		f.Add(src, "41")
		f.Add(src, "{sse.seq}{http.q}")
	}
	f.Fuzz(func(t *testing.T, src, cursor string) {
		tpl, err := ParseTemplate(src)
		if (err != nil) != tpl.IsZero() {
			t.Fatalf("ParseTemplate(%q) = %q, %v", src, tpl, err)
		}
		if err != nil {
			return
		}
		env := &Env{Status: 200, Body: []byte(`{"a":"b"}`), Item: []byte(`[1]`), Cursor: map[string]string{"": cursor}, Seq: 1}
		text, ok := tpl.Expand(env)
		if !strings.Contains(src, "{sse.") && text != src {
			t.Fatalf("%q without placeholders expands to %q", src, text)
		}
		if !ok && len(tpl.Cursors()) == 0 {
			t.Fatalf("%q reads no cursor and is skipped", src)
		}
		// what is inserted, by Bind too, is never looked at again
		mark := fmt.Sprintf("{sse.cursor}%s{http.q}", cursor)
		once, ok2 := tpl.Bind(func(s string) string { return mark }).Expand(env)
		if ok != ok2 {
			t.Fatalf("%q is skipped or not, depending on what was bound", src)
		}
		var want strings.Builder
		for _, p := range tpl.parts {
			if p.read == nil {
				want.WriteString(mark)
			} else if b, ok := p.read.appendTo(nil, env); ok {
				want.Write(b)
			}
		}
		if ok && once != want.String() {
			t.Fatalf("%q bound expands to %q, want %q", src, once, want.String())
		}
	})
}
