package value

import (
	"html"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestHTMLIsEscapedWhereTheModifierSaysSo(t *testing.T) {
	t.Parallel()
	env := sample()
	env.Item = []byte(`{"text":"<b onclick='x(\"y\")'>&amp;","n":1.10,"list":["<a>"],"lines":"one\ntwo\r\n","null":null,"a|@html":"<key>","@html":"<ours>"}`)
	env.Body = env.Item
	env.Header.Set("X-Room", `<"room">`)
	env.Cursor["mark"] = "<1>"
	const text = "&lt;b onclick=&#39;x(&#34;y&#34;)&#39;&gt;&amp;amp;"
	for src, want := range map[string]string{
		`text|@html`:                  text,
		`text.@html`:                  text,
		`lines|@html`:                 "one&#10;two&#13;&#10;",
		`text`:                        `<b onclick='x("y")'>&amp;`,
		`n|@html`:                     "1.10",
		`list|@html`:                  "[&#34;&lt;a&gt;&#34;]",
		`list.0|@html`:                "&lt;a&gt;",
		`list|@reverse|@html`:         "[&#34;&lt;a&gt;&#34;]",
		`null|@html`:                  "null",
		`a\|@html`:                    "<key>",
		`a\|@html|@html`:              "&lt;key&gt;",
		`\@html`:                      "<ours>",
		`\@html|@html`:                "&lt;ours&gt;",
		`=text|@html`:                 "text|@html",
		`<i>{sse.item.text|@html}`:    "<i>" + text,
		`<i>{sse.item.text.@html}`:    "<i>" + text,
		`<i>{sse.body.text|@html}`:    "<i>" + text,
		`<i>{sse.item.missing|@html}`: "<i>",
		`<i>{sse.item.a\|@html}`:      "<i><key>",
		`<i>{sse.item.list|@html}`:    "<i>[&#34;&lt;a&gt;&#34;]",
		`{sse.header.X-Room|@html}`:   "&lt;&#34;room&#34;&gt;",
		`{sse.cursor.mark|@html}`:     "&lt;1&gt;",
		`{sse.cursor+1|@html}`:        "42",
		`{sse.status|@html}`:          "200",
		`{sse.item.text}{sse.item.text|@html}{sse.item.text}`: `<b onclick='x("y")'>&amp;` + text + `<b onclick='x("y")'>&amp;`,
	} {
		v := mustParse(t, src)
		if got := v.Get(env.Item, env); string(got) != want {
			t.Errorf("%s is %q, want %q", src, got, want)
		}
		escapes := strings.Contains(strings.NewReplacer(`\|@html`, "", `\@html`, "", "=text|@html", "").Replace(src), "@html")
		if got := v.EscapesHTML(); got != escapes {
			t.Errorf("%s: escapes HTML: %v", src, got)
		}
	}
	for _, src := range []string{`@html`, `@this|@html`, `{sse.item|@html}`, `{sse.item.@html}`, `{sse.body|@html}`} {
		if got, want := mustParse(t, src).Get(env.Item, env), html.EscapeString(string(env.Item)); string(got) != want {
			t.Errorf("%s is %q, want %q", src, got, want)
		}
	}
	if got := mustParse(t, "missing|@html").Get(env.Item, env); got != nil {
		t.Errorf("what is missing is %q, want nil", got)
	}
	if got := mustParse(t, "@html").Get([]byte(`"<b>"`), nil); string(got) != "&lt;b&gt;" {
		t.Errorf("a string item is %q", got)
	}
}

func TestHTMLIsEscapedBeforeThePlaceWhereItGoes(t *testing.T) {
	t.Parallel()
	env := &Env{Item: []byte(`{"text":"<"}`)}
	got, ok := mustTemplate(t, "{sse.item.text|@html}").ExpandEscaped(env, func(s string) string { return strings.ReplaceAll(s, "&", "%26") })
	if want := "%26lt;"; !ok || got != want {
		t.Errorf("got %s, %v, want %s", got, ok, want)
	}
}

func TestTheModifierForHTMLStandsLast(t *testing.T) {
	t.Parallel()
	for src, reason := range map[string]string{
		"text|@html|@reverse":     "@html stands last",
		"text|@html:1":            "@html stands last",
		"{id,text|@html}":         "@html stands last",
		"[text.@html]":            "@html stands last",
		"@html|text":              "@html stands last",
		"text|@html|@html":        "@html stands last",
		"text|@htm":               "@html",
		"text||@html":             "ends at",
		"|@html":                  "@html stands last",
		"{sse.item.text|@htm}":    "@html",
		"{sse.byte.3c|@html}":     "never escaped",
		"{sse.header.X|@htm}":     "name of a header",
		"{sse.status|@html|@htm}": "unknown name",
		"{sse.nonsense|@html}":    "unknown name",
	} {
		if _, err := Parse(src); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: the error is %v, want one that says %q", src, err, reason)
		}
	}
	if p, err := ParsePath("text|@html"); err == nil {
		t.Errorf("a path that is no value is %q", p)
	}
}

func TestAllModifiersOfGJSONAreNamed(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq(modifiers) {
		if name != htmlModifier && !gjson.ModifierExists(name[1:], nil) {
			t.Errorf("gjson has no modifier %s", name)
		}
	}
	if gjson.ModifierExists(htmlModifier[1:], nil) {
		t.Error("gjson has a modifier @html")
	}
}

func FuzzHTML(f *testing.F) {
	for _, path := range []string{"text", "list", "list.#", "@this", `a\|b`, `{"n":text}`, "text|@tostr"} {
		f.Add(path, `{"text":"<b>&\"'\u003c","list":["<a>",1]}`)
		f.Add(path, `"</script>"`)
	}
	f.Fuzz(func(t *testing.T, path, item string) {
		plain, err := Parse(path)
		if err != nil || plain.path.IsZero() || !ValidJSON([]byte(item)) {
			return
		}
		escaped, err := Parse(path + "|@html")
		if plain.EscapesHTML() || err == nil && !escaped.EscapesHTML() {
			return // the path ended in the modifier, or in a backslash
		}
		if err != nil {
			t.Fatalf("%q is a path, and with @html it is none: %v", path, err)
		}
		want, got := plain.Get([]byte(item), nil), escaped.Get([]byte(item), nil)
		if strings.ContainsAny(string(got), "<>\"'\r\n") || html.UnescapeString(string(got)) != string(want) || (got == nil) != (want == nil) {
			t.Fatalf("%q finds %q in %q, and escapes it as %q", path, want, item, got)
		}
		inText, ok := mustTemplate(t, "{sse.cursor|@html}<").Expand(&Env{Cursor: map[string]string{"": item}})
		if !ok || strings.ContainsAny(strings.TrimSuffix(inText, "<"), "<>\"'\r\n") {
			t.Fatalf("%q stands in a template as %q", item, inText)
		}
	})
}
