package suggest

import (
	"reflect"
	"testing"

	"github.com/tidwall/gjson"
)

func TestNothingInABodyIsAPlaceholder(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		body, kind, want string
		ok               bool
	}{
		{`{"query":"{files{id}}"}`, "", `{"query":"{files{id}}"}`, true},
		{`{"query":"{files{path}}"}`, "", `{"query":"{files\u007bpath}}"}`, true},
		{`{"query":"{uri}","to":"{$HOME}","host":"{http.x}"}`, "", `{"query":"\u007buri}","to":"\u007b$HOME}","host":"\u007bhttp.x}"}`, true},
		{"{}", "", "{}", true},
		{"{\"q\":\"`a` \\\"b\\\"\"}", "", `{"q":"\u0060a\u0060 \"b\""}`, true},
		{"q=`a`", form, "q=%60a%60", true},
		{"q={path}&r={id}", form, "q=%7Bpath}&r={id}", true},
		{"<a>{id}</a>", "text/xml", "<a>{id}</a>", true},
		{"<a>{path}</a>", "text/xml", "<a>{path}</a>", false},
	} {
		if got, ok := literal(c.body, c.kind); got != c.want || ok != c.ok {
			t.Errorf("%s: got %s, %t", c.body, got, ok)
		}
	}
}

// FuzzLiteral has JSON stay the same, whatever is written in another way, and no placeholder be left.
func FuzzLiteral(f *testing.F) {
	f.Add(`{"query":"{files{path}}","{$A}":"\\{host}"}`)
	f.Fuzz(func(t *testing.T, body string) {
		if !gjson.Valid(body) {
			return
		}
		text, ok := literal(body, "")
		if !ok || hasPlaceholder(text) {
			t.Errorf("%q is left with a placeholder: %q", body, text)
		}
		if was, is := gjson.Parse(body).Value(), gjson.Parse(text).Value(); !reflect.DeepEqual(was, is) {
			t.Errorf("%q has become %q", body, text)
		}
	})
}
