package decode

import (
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

var callCases = framerCases{
	{"JSON", `<script>parent.update({"price": 1.10});</script>`, `{"price": 1.10} {"Call":["parent.update"]}`},
	{"as soon as it is complete", `<script>f(1)`, `1 {"Call":["f"]}`},
	{"not complete", `<script>f(1`, `…`},
	{"a script that ends in a call", `<script>f("a</script><script>f(2)`, `2 {"Call":["f"]}`},
	{"several calls", "<script>\nf(1); g([true])\n</script> f(0) <script>h(null)</script>", `1 {"Call":["f"]} | [true] {"Call":["g"]} | null {"Call":["h"]}`},
	{"several arguments", `<script>f(1, "a",  {"b": 2} , 'c')</script>`, `[1,"a",{"b": 2},"c"] {"Call":["f"]}`},
	{"a comma at the end", `<script>f(1,);f(1,2,)</script>`, `1 {"Call":["f"]} | [1,2] {"Call":["f"]}`},
	{"no arguments", `<script>f(); g( )</script>`, ``},
	{"single quotes", `<script>f('it\'s "x"\n	\x41\u00e9\0\v\/\q')</script>`, `"it's \"x\"\n\t\u0041\u00e9\u0000\u000b\/q" {"Call":["f"]}`},
	{"double quotes", `<script>f("it\'s \"x\"")</script>`, `"it's \"x\"" {"Call":["f"]}`},
	{"code points", `<script>f('\u{1F600}\u{41}\u{22}\u{a}\u{d83d}')</script>`, `"😀A\"\n\ud83d" {"Call":["f"]}`},
	{"a string over two lines", "<script>f('a\\\nb\\\r\nc')</script>", `"abc" {"Call":["f"]}`},
	{"no JSON", `<script>f({a:1}); g(x); h(1+2); i(.5); j([1,]); k(undefined); l(1)</script>`, `1 {"Call":["l"]}`},
	{"strings that are none", "<script>f('\\1'); f('\\08'); f('\\xg'); f('\\u{}'); f('\\u{110000}'); f(\"\\u12\"); f('a\nf(1)</script>", `1 {"Call":["f"]}`},
	{"a string that is broken JSON", `<script>f({"a":"\x41"}); f(["(g(2)\x"]); f(1)</script>`, `1 {"Call":["f"]}`},
	{
		"no JSON, with calls in it", `<script>f(g(1), 2); f({"a": h(3)}); f([nn(4)]); f(true, fff.t(5)); f(function() { i(6) })</script>`,
		`1 {"Call":["g"]} | 3 {"Call":["h"]} | 4 {"Call":["nn"]} | 5 {"Call":["fff.t"]} | 6 {"Call":["i"]}`,
	},
	{"calls in code", `<script>try { if (1) { parent . update (2) } } catch (e) {} while(1) x = f(3) + 4</script>`, `2 {"Call":["parent.update"]} | 3 {"Call":["f"]}`},
	{"what is no call", `<script>(1); return (2); new Date(3); var a = [4](5); f(new Date(6)); "g"(7); f(8)</script>`, `8 {"Call":["f"]}`},
	{"a call of what a call returns", `<script>f(1).g(2)</script>`, `1 {"Call":["f"]} | 2 {"Call":["g"]}`},
	{"strings in code", "<script>a = \"f(1)\"; b = 'f(\\'2)'; c = `f(\n3)`; d = 'f(4)\nf(5)</script>", `5 {"Call":["f"]}`},
	{"comments", "<script>// f(1)\n/* f(2) **/ f(3) / g(4) /* f(5)</script><script>f(6)", `3 {"Call":["f"]} | 4 {"Call":["g"]} | 6 {"Call":["f"]}`},
	{"comments of HTML in a script", "<script><!-- f(1)\nf(2)\n//--></script><script><<!--f(3)\nf(4)", `2 {"Call":["f"]} | 4 {"Call":["f"]}`},
	{"comments of HTML", "<!-- <script>f(1)</script> --><!--><script>f(2)</script><!--- -- > <script>f(3)</script>--->\n<!-x><script>f(4)</script>", `2 {"Call":["f"]} | 4 {"Call":["f"]}`},
	{"upper case", "<SCRIPT>f(1)</Script>f(2)<sCRIPT>f(3)</SCRIPT >f(4)", `1 {"Call":["f"]} | 3 {"Call":["f"]}`},
	{"attributes", `<script type="text/javascript" x='>' async>f(1)</script a=">">f(2)<script/>f(3)</script/>f(4)`, `1 {"Call":["f"]} | 3 {"Call":["f"]}`},
	{"other tags", `<scripts>f(1)</scripts><p title="<script>f(2)</script>">f(3)</p><<script>f(4)</script>< script>f(5)</script>`, `4 {"Call":["f"]}`},
	{"an end tag in a string", `<script>f("<\/script>")</script>`, `"<\/script>" {"Call":["f"]}`},
	{"what begins like an end tag", `<script>f("</scripts></<</scrip")</script>`, `"</scripts></<</scrip" {"Call":["f"]}`},
	{"text only", "f(1) <p onclick='f(2)'>", ""},
	{"as large as it may be", "<script>f(\"" + strings.Repeat("x", 98) + "\"); f(\"" + strings.Repeat("x", 94) + "\",1)", `"` + strings.Repeat("x", 98) + `" {"Call":["f"]} | ["` + strings.Repeat("x", 94) + `",1] {"Call":["f"]}`},
	{"larger", "<script>f(\"" + strings.Repeat("x", 99) + "\")", tooLarge},
	{"larger, of several", "<script>f(\"" + strings.Repeat("x", 95) + "\",1)", tooLarge},
	{"a long name", "<script>" + strings.Repeat("f", 1000) + "(1); " + strings.Repeat("g.", 129) + "(2); f(" + strings.Repeat("f", 300) + "(3))</script>", ""},
	{"a large page", strings.Repeat("<p>", 100) + "<script>f(1)" + strings.Repeat("/*", 200), `1 {"Call":["f"]}`},
}

func TestCallsThatGoOn(t *testing.T) {
	t.Parallel()
	callCases.run(t, func() Framer { return NewCallFramer(100) })
}

// FuzzCallFramerMakesJSON checks that what is read of arguments is JSON, and that JSON is read as it is.
func FuzzCallFramerMakesJSON(f *testing.F) {
	for _, c := range callCases {
		f.Add(c.text)
	}
	for _, text := range []string{`'\u{1F600}\x00'`, `{"a":[1,"\u00e9"]}`, `1, 'a'`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, "<script>f(" + text + ")</script>"} {
			for _, r := range push(NewCallFramer(1<<20), text).records {
				if !value.ValidJSON(r.Body) {
					t.Fatalf("%q has %q", text, r.Body)
				}
			}
		}
		if !value.ValidJSON([]byte(text)) || strings.Contains(text, "<") || strings.ContainsAny(text, "\x7f") {
			return
		}
		got := push(NewCallFramer(1<<20), "<script>f("+text+")</script>")
		if len(got.records) != 1 || string(got.records[0].Body) != strings.Trim(text, Space) {
			t.Fatalf("%q is %v", text, got)
		}
	})
}
