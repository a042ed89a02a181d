package value

import "testing"

func TestPlaceholdersOfASession(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"{sse.count}":                "4",
		"rid='{sse.count+1000000}'":  "rid='1000004'",
		"{sse.count-5}":              "-1",
		`{"a":1}{sse.byte.1e}`:       "{\"a\":1}\x1e",
		"{sse.byte.22}{sse.cursor}":  `"` + "<c>",
		"{sse.byte.1E}{sse.byte.7f}": "\x1e\x7f",
	} {
		template, err := ParseTemplate(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		escape := func(text string) string {
			return map[string]string{"c": "<c>"}[text] + map[bool]string{true: text}[text != "c"]
		}
		if got, ok := template.ExpandEscaped(&Env{Count: 4, Cursor: map[string]string{"": "c"}}, escape); !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", src, got, ok, want)
		}
	}
	for _, src := range []string{"{sse.count.a}", "{sse.count+}", "{sse.count+x}", "{sse.byte}", "{sse.byte.0a}", "{sse.byte.0d}", "{sse.byte.00}", "{sse.byte.80}", "{sse.byte.1}", "{sse.byte.1e1}"} {
		if _, err := ParseTemplate(src); err == nil {
			t.Errorf("%s is taken", src)
		}
	}
}
