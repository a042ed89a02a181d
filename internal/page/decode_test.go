package page

import (
	"errors"
	"strings"
	"testing"
)

func TestBodyIsDecoded(t *testing.T) {
	t.Parallel()
	const latin1, utf16 = "Content-Type: text/plain; charset=iso-8859-1", "Content-Type: text/plain; charset=UTF-16LE"
	for _, c := range []struct {
		name, config, body, header, want string
	}{
		{"json in html", "", `{"a":1}`, "Content-Type: text/html", `{"a":1}`},
		{"numbers as written", "", `[1.10,9007199254740993]`, "", `[1.10,9007199254740993]`},
		{"white space around json", "", "\n\n\r\n {\"a\": 1}\n\n", "", `{"a": 1}`},
		{"a string stays quoted", "", `"a"`, "", `"a"`},
		{"bom", "", "\uFEFF{\"a\":1}", "", `{"a":1}`},
		{"bom before text", "", "\uFEFFhello", "", "hello"},
		{"facebook", "", `for (;;);{"a":1}`, "", `{"a":1}`},
		{"for", "format json", `for(;;);[]`, "", `[]`},
		{"while", "", "while(1);\n[1]", "", `[1]`},
		{"angular", "", ")]}',\n{\"a\":1}", "", `{"a":1}`},
		{"gerrit", "", ")]}'\n{\"a\":1}", "", `{"a":1}`},
		{"start", "", `&&&START&&&{"a":1}`, "", `{"a":1}`},
		{"medium", "", `])}while(1);</x>{"a":1}`, "", `{"a":1}`},
		{"spring", "", `{}&& {"a":1}`, "", `{"a":1}`},
		{"guard before text", "", "while(1);x", "", "while(1);x"},
		{"jsonp", "format jsonp", `cb({"a":1})`, "", `{"a":1}`},
		{"jsonp in auto", "", `cb({"a":1});`, "", `{"a":1}`},
		{"jsonp of php", "format jsonp", "/**/cb([1, 2] );\n", "", `[1, 2]`},
		{"jsonp of express", "format jsonp", `/**/ typeof cb === 'function' && cb({"a":")"});`, "", `{"a":")"}`},
		{"jsonp of jquery", "format jsonp", `jQuery1_2([1]) ;`, "", `[1]`},
		{"jsonp in a list", "format jsonp", `/* x */ a.b["c"][0] ( null )`, "", `null`},
		{"jsonp guarded", "format jsonp", `window.cb && window.cb({"a":1})`, "", `{"a":1}`},
		{"no callback", "format jsonp", `{"a":1}`, "", `{"a":1}`},
		{"a call that is none", "", `see f(x)`, "", `see f(x)`},
		{"a call of no json", "", `f(x)`, "", `f(x)`},
		{"text with a number in parentheses", "", `Users (12)`, "", `Users (12)`},
		{"text with a word in parentheses", "", `Alarm(true);`, "", `Alarm(true);`},
		{"text with quotes in parentheses", "", `error ("disk full")`, "", `error ("disk full")`},
		{"a number in a call that is expected", "format jsonp", `cb(12)`, "", `12`},
		{"a guarded number", "", `for(;;);12`, "", `12`},
		{"a guarded string", "", `for(;;);"a)"`, "", `"a)"`},
		{"latin1", "", "caf\xe9", latin1, "café"},
		{"latin1 json", "", "{\"a\":\"caf\xe9\"}", latin1, `{"a":"café"}`},
		{"quoted charset", "", "\x80", "Content-Type: text/html; charset='windows-1252'", "€"},
		{"utf-16", "", "h\x00\xe9\x00", utf16, "hé"},
		{"utf-16 with bom", "", "\xff\xfeh\x00", utf16, "h"},
		{"utf-16 bom alone", "", "\xfe\xff\x00h", "", "h"},
		{"bom before a wrong charset", "", "\uFEFFé", latin1, "é"},
		{"unknown charset", "", "caf\xe9", "Content-Type: text/plain; charset=klingon", "caf\xe9"},
		{"charset that browsers refuse", "", "abc", "Content-Type: text/plain; charset=iso-2022-kr", "abc"},
		{"invalid utf-8", "", "caf\xe9", "Content-Type: text/plain; charset=utf-8", "caf\xe9"},
		{"broken content type", "", "caf\xe9", "Content-Type: ;;", "caf\xe9"},
		{"one newline", "", "a\n\n", "", "a\n"},
		{"one crlf", "", "a\r\n\r\n", "", "a\r\n"},
		{"one cr", "", "a\r", "", "a"},
		{"text that is json", "format text", " {\"a\":1}\n", "", ` {"a":1}`},
		{"text with a guard", "format text", `for(;;);{"a":1}`, "", `for(;;);{"a":1}`},
		{"message", "format message", "\uFEFF a\n\n", "", "\uFEFF a\n\n"},
		{"message in latin1", "format message", "\xe9\n", latin1, "é\n"},
		{"message that is a string", "format message", `"a"`, "", `"a"`},
		{"path into a message", "format message; data a", " {\"a\":\"b\"}\n", "", "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := mustRead(t, reader(t, c.config), ok(c.body, c.header), at())
			if len(p.Events) != 1 || string(p.Events[0].Data) != c.want || !p.News {
				t.Errorf("%q is read as %q, want %q", c.body, datas(p), c.want)
			}
		})
	}
}

func TestEmptyBodyIsNoNews(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"", ""},
		{"", "\n\r\n "},
		{"", "\uFEFF"},
		{"format json", ""},
		{"format text", "\n"},
		{"format jsonp", "cb();"},
		{"format message", ""},
		{"items a", "  "},
		{"items a", "for(;;);"},
		{"items a", "/**/cb()"},
	} {
		p := mustRead(t, reader(t, c[0]), ok(c[1]), at("", ""))
		if p.News || p.Stuck || p.Lost || len(p.Events) > 0 || p.Next.ID() != "" {
			t.Errorf("%q with %q: %+v, want no news", c[1], c[0], p)
		}
	}
	p := mustRead(t, reader(t, "format message"), ok("\n"), at())
	equal(t, "events of a message that is a newline", len(p.Events), 1)
}

func TestHTMLIsTheCauseInAnyFormatOfData(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"items a", "id a", "format json", "format xml", "format feed", "format csv", "format lines", "format socketio", "data a"} {
		for answer, want := range map[string]Cause{"<!DOCTYPE html><title>log in</title>": HTML, "Fatal error": ""} {
			_, err := reader(t, config).Read(ok(answer), at(), nil)
			if failed, is := errors.AsType[*Error](err); is && failed.Cause != want || !is && want != "" {
				t.Errorf("%s: %q is %v", config, answer, err)
			}
		}
	}
}

func TestErrorNamesWhatCameInsteadOfJSON(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, c := range [][2]string{
		{"<!DOCTYPE html><p>log in " + secret, "HTML"},
		{"\n <?xml version='1.0'?><a>" + secret, "XML"},
		{`{"a":"` + secret + `","b":[`, "JSON that ends early"},
		{`[1,"` + secret, "JSON that ends early"},
		{`{"a":1}` + "\n" + `{"a":"` + secret + `"}`, "JSON with something after it"},
		{`{'a':"` + secret + `"}`, "broken JSON"},
		{strings.Repeat("[", 8<<20), "JSON that is nested deeper than 1000"},
		{"Fatal error: " + secret, "text"},
	} {
		for _, config := range []string{"items a", "id a", "data a", "event a", "cursor a", "format json", "format jsonp", "format message; id a"} {
			_, err := reader(t, config).Read(ok(c[0]), at(), nil)
			var failed *Error
			if !errors.As(err, &failed) {
				t.Fatalf("%s: %.40q: %v is no error", config, c[0], err)
			}
			equal(t, "comment", failed.Comment, "unreadable answer")
			if !strings.Contains(err.Error(), c[1]+" where JSON was expected") || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %.40q: %q does not name %q and nothing else", config, c[0], err, c[1])
			}
		}
	}
	_, err := reader(t, "items results; id seq").Read(recorded(t, "couchdb_cut_off.http"), at("4"), nil)
	if err == nil || !strings.Contains(err.Error(), "JSON that ends early") {
		t.Errorf("an answer that was cut off: %v", err)
	}
	_, err = reader(t, "items @this; id node.modifiedIndex").Read(recorded(t, "etcd_stream.http"), at("4"), nil)
	if err == nil || !strings.Contains(err.Error(), "something after it") {
		t.Errorf("a stream of answers: %v", err)
	}
}

func TestJSONIsNestedAtMostAThousandDeep(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	many := `["` + strings.Repeat(`\"[[{`, 1000) + `"` + strings.Repeat(",[]", 2000) + "]"
	for body, want := range map[string]bool{nested(1000): true, nested(1001): false, many: true} {
		_, err := reader(t, "format json").Read(ok(body), at(), nil)
		if (err == nil) != want {
			t.Errorf("%.20s… of %d bytes: %v", body, len(body), err)
		}
	}
}
