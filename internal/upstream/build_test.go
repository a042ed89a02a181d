package upstream

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// sends are lines that send the unnamed cursor.
const sends = "items a\nid id\n"

func TestEditsMakeTheURLOfAPoll(t *testing.T) {
	t.Parallel()
	const two = "items a\ncursor a a\ncursor b b\n"
	for _, c := range []struct {
		lines, Kind string
		cursor      []string
		want        string
	}{
		{"", "/a%2Fb/c?x=1&&y=%41+b&x=2", nil, "/a%2Fb/c?x=1&&y=%41+b&x=2"},
		{"rewrite /poll.php", "/events?x=1", nil, "/poll.php?x=1"},
		{"rewrite /poll.php?v=2", "/events?x=1", nil, "/poll.php?v=2"},
		{"rewrite /poll.php?", "/events?x=1", nil, "/poll.php"},
		{"rewrite ?v=2", "/events?x=1", nil, "/events?v=2"},
		{"rewrite {uri}", "/a%2Fb?x=1", nil, "/a%2Fb?x=1"},
		{"rewrite /x{?query}", "/events?x=1&y=%26", nil, "/x?x=1&y=%26"},
		{"rewrite /x{?query}", "/events", nil, "/x"},
		{"rewrite /x?{query}&z=1", "/events?x=1", nil, "/x?x=1&z=1"},
		{"rewrite /x/{path.1}", "/events/a%3Fb%23c%20d", nil, "/x/a%3Fb%23c%20d"},
		{"rewrite /x?p={path.1}", "/events/a%26b%3Dc", nil, "/x?p=a%26b%3Dc"},
		{"rewrite /x/{no.such}/y?a={no.such}", "/events", nil, "/x//y?a="},

		{"query a 1\nquery b 2", "/p?z=0&a=9&y=3&a=8", nil, "/p?z=0&y=3&a=1&b=2"},
		{"query a 1\nquery -a\nquery b 2", "/p?a=9", nil, "/p?b=2"},
		{"query -a\nquery a 1", "/p?a=9", nil, "/p?a=1"},
		{"query a 1\nquery a 2", "/p", nil, "/p?a=2"},
		{"query -x", "/p?x=1&x&%78=2&xx=3", nil, "/p?xx=3"},
		{"query a {query.b}\nquery -b", "/p?b=1%262", nil, "/p?a=1%262"},
		{"query a ``", "/p?a=1", nil, "/p?a="},
		{"rewrite /x?a=1\nquery b 2", "/p?c=3", nil, "/x?a=1&b=2"},
		{"query t[] {no.such}", "/p", nil, "/p?t%5B%5D=%7Bno.such%7D"},

		// an edit waits for its cursor
		{sends + "query since {sse.cursor}", "/p?since=3&x=1", nil, "/p?since=3&x=1"},
		{sends + "query since {sse.cursor}", "/p?since=3&x=1", []string{"7"}, "/p?x=1&since=7"},
		{sends + "query since {sse.cursor+1}", "/p?x=1", []string{"9007199254740993"}, "/p?x=1&since=9007199254740994"},
		{sends + "query since {sse.cursor+1}", "/p?since=3&x=1", []string{"abc"}, "/p?x=1"},
		{sends + "rewrite /p/{sse.cursor}?v=1", "/q?x=1", nil, "/q?x=1"},
		{sends + "rewrite /p/{sse.cursor}?v=1", "/q?x=1", []string{"7"}, "/p/7?v=1"},
		{sends + "rewrite /p?since={sse.cursor}", "/q?x=1", nil, "/q?x=1"},
		{sends + "rewrite /p?since={sse.cursor}", "/q?x=1", []string{"7"}, "/p?since=7"},
		{sends + "start 0\nquery since {sse.cursor}", "/p?since=3", nil, "/p?since=0"},
		{sends + "start 0\nquery since {sse.cursor}", "/p?since=3", []string{"7"}, "/p?since=7"},
		{two + "query a {sse.cursor.a}\nquery b {sse.cursor.b}", "/p?a=1&b=2", []string{"7", ""}, "/p?a=7"},
		{two + "start b 0\nquery a {sse.cursor.a}\nquery b {sse.cursor.b}", "/p", []string{"7", ""}, "/p?a=7&b=0"},
		{two + "start b 0\nquery a {sse.cursor.a}\nquery b {sse.cursor.b}", "/p", nil, "/p?b=0"},
		{sends + "query since {sse.cursor}\nquery n {sse.seq}\nquery id {sse.id}", "/p", nil, "/p?n=3&id=chain"},

		// a cursor is a value, whatever it holds
		{sends + "query since {sse.cursor}", "/p", []string{"1&admin=1#x?y%20+"}, "/p?since=1%26admin%3D1%23x%3Fy%2520%2B"},
		{sends + "rewrite /p?since={sse.cursor}", "/p", []string{"1&admin=1#x"}, "/p?since=1%26admin%3D1%23x"},
		{sends + "rewrite /p/{sse.cursor}/x", "/p", []string{"a/b?c#d%2e é"}, "/p/a%2Fb%3Fc%23d%252e%20%C3%A9/x"},
		{sends + "query since {sse.cursor}", "/p", []string{"{env.HOME}{sse.id}"}, "/p?since=%7Benv.HOME%7D%7Bsse.id%7D"},
	} {
		p := Accept(t, testplan.Of(t, c.lines), testsite.ClientRequest("GET", c.Kind, ""))
		r := build(t, p, askFrom(c.cursor...))
		if got := r.URL.RequestURI(); got != c.want || r.RequestURI != c.want {
			t.Errorf("%q of %s at %q: got %s, want %s", c.lines, c.Kind, c.cursor, got, c.want)
		}
	}
}

func TestACursorCannotClimb(t *testing.T) {
	t.Parallel()
	plan := testplan.Of(t, sends+"rewrite /p/{sse.cursor}/x")
	for cursor, ok := range map[string]bool{"..": false, ".": false, "../../etc/passwd": false, "a/../b": false, "...": true, "a..b": true, "%2e%2e": true} {
		p := Accept(t, plan, testsite.ClientRequest("GET", "/p", ""))
		_, err := p.Build(t.Context(), askFrom(cursor), &caddyhttp.Server{}, NewAnswer(0), nil)
		if (err == nil) != ok {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}

func TestAPositionIsOneThatThePollCanAskFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lines  string
		cursor []string
		want   bool
	}{
		{sends + "query since {sse.cursor}", []string{"abc"}, true},
		{sends + "query since {sse.cursor+1}", []string{"41"}, true},
		{sends + "query since {sse.cursor+1}", []string{""}, true},
		{sends + "query since {sse.cursor+1}", []string{"abc"}, false},
		{sends + "query since {sse.cursor+1}", []string{"1.5"}, false},
		{sends + "header_up X-Since {sse.cursor-1}", []string{"1e3"}, false},
		{sends + `body {"since":{sse.cursor+1}}`, []string{`1},{"$ne":1`}, false},
		{sends + "rewrite /p/{sse.cursor+1}", []string{"x"}, false},
		{sends + "rewrite {sse.cursor}", []string{"https://elsewhere.example.com/p/1"}, true},
		{sends + "rewrite {sse.cursor}", []string{"/etc/passwd"}, false},
		{sends + "rewrite /p/{sse.cursor}", []string{"../q"}, false},
		{sends + "query q {sse.cursor}\nmatching \\d+", []string{"17"}, true},
		{sends + "query q {sse.cursor}\nmatching \\d+", []string{""}, true},
		{sends + "query q {sse.cursor}\nmatching \\d+", []string{"1 OR time > 0"}, false},
		{sends + "query q {sse.cursor}\nmatching 1|2", []string{"12"}, false},
		{sends + "query q {sse.cursor}\nmatching (?m)^1$", []string{"1\n2"}, false},
		{"cursor a x\ncursor b y\nquery a {sse.cursor.a}\nquery b {sse.cursor.b}\nmatching b [0-9]*", []string{"x", "y"}, false},
		{"cursor a x\ncursor b y\nquery a {sse.cursor.a}\nquery b {sse.cursor.b}\nmatching b [0-9]*", []string{"x", "1"}, true},
		{"cursor a x\ncursor b y\nquery a {sse.cursor.a}\nquery b {sse.cursor.b+1}", []string{"x", ""}, true},
		{"cursor a x\ncursor b y\nquery a {sse.cursor.a}\nquery b {sse.cursor.b+1}", []string{"x", "y"}, false},
	} {
		p := Accept(t, testplan.Of(t, c.lines), testsite.ClientRequest("GET", "/p", ""))
		if got := p.Asks(position.Position{Cursor: c.cursor}); got != c.want {
			t.Errorf("%q at %q: %t", c.lines, c.cursor, got)
		}
	}
}

func TestEditsMakeTheHeaderOfAPoll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lines, cursor, name, want string }{
		{sends + "header_up X-Since {sse.cursor}", "", "X-Since", ""},
		{sends + "header_up X-Since {sse.cursor}", "7", "X-Since", "7"},
		{sends + "header_up X-Since {sse.cursor}", "7\r\nX-Admin: 1\x00\x7f", "X-Since", "7X-Admin: 1"},
		{sends + "header_up X-Since {sse.cursor}", "caf\xe9\tb", "X-Since", "caf\xe9\tb"},
		{"header_up X-Q {query.q}", "", "X-Q", "{env.SECRET} a&b"},
		{"header_up X-Q {query.q}\nheader_up -X-Q", "", "X-Q", ""},
		{"header_up Authorization `Bearer {cookie.token}`", "", "Authorization", "Bearer t"},
		{"format message", `"v1"`, "If-None-Match", `"v1"`},
		{"format message", "W/\"\xe9\"\r\nX: 1", "If-None-Match", "W/\"\xe9\"X: 1"},
	} {
		p := Accept(t, testplan.Of(t, c.lines), testsite.ClientRequest("GET", "/p?q={env.SECRET}+a%26b", "", testsite.Header("Cookie", "token=t")))
		ask := askFrom(c.cursor)
		if p.Plan.ValidatorCursors {
			ask = askFrom(c.cursor, "")
		}
		r := build(t, p, ask)
		if got := r.Header.Get(c.name); got != c.want {
			t.Errorf("%q at %q: %s is %q, want %q", c.lines, c.cursor, c.name, got, c.want)
		}
		if r.Header.Get("X-Admin") != "" {
			t.Errorf("%q at %q adds a field", c.lines, c.cursor)
		}
	}
}

func TestPollsAreConditional(t *testing.T) {
	t.Parallel()
	document := Accept(t, testplan.Of(t), testsite.ClientRequest("GET", "/", "", testsite.Header("If-None-Match", `"client"`)))
	ask := askFrom()
	if got := build(t, document, ask).Header; got.Get("If-None-Match") != "" {
		t.Errorf("the first poll of a document has the condition %s", got.Get("If-None-Match"))
	}
	ask.Validators = page.Validators{ETag: `"v"`, LastModified: "Sat, 21 Nov 2026 01:00:00 GMT"}
	if got := build(t, document, ask).Header; got.Get("If-None-Match") != `"v"` || got.Get("If-Modified-Since") != ask.Validators.LastModified {
		t.Errorf("got %v", got)
	}
	message := Accept(t, testplan.Of(t, "format message"), testsite.ClientRequest("GET", "/", ""))
	if got := build(t, message, askFrom("7", "Sat, 21 Nov 2026 02:00:00 GMT")).Header; got.Get("If-None-Match") != "7" || got.Get("If-Modified-Since") != "Sat, 21 Nov 2026 02:00:00 GMT" {
		t.Errorf("got %v", got)
	}
}

func TestBodiesEscapeWhatTheyInsert(t *testing.T) {
	t.Setenv("SSE_BRIDGE_TEST_SECRET", "hunter2")
	const evil = `x","admin":true,"y":"&admin=1#\{env.SSE_BRIDGE_TEST_SECRET}` + "\n"
	target := "/p?" + url.Values{"q": {evil}, "n": {"5"}}.Encode()
	for _, c := range []struct{ name, lines, cursor, Kind, want, bodyType string }{
		{"JSON, no cursor", `body {"q":"{http.request.uri.query.q}"}`, "", "", `{"q":` + quoted(evil) + `}`, "application/json"},
		{"JSON, a number", sends + `body {"n":{http.request.uri.query.n},"since":{sse.cursor}}`, "9007199254740993", "", `{"n":5,"since":9007199254740993}`, "application/json"},
		{"JSON, a cursor", sends + `body {"since":"{sse.cursor}"}`, evil, "", `{"since":` + quoted(evil) + `}`, "application/json"},
		{"JSON, a type with a charset", sends + "body `{\"since\":\"{sse.cursor}\"}` `Application/JSON; charset=utf-8`", evil, "", `{"since":` + quoted(evil) + `}`, "Application/JSON; charset=utf-8"},
		{"JSON, unknown braces", `body {"a":{"b":"{no.such}"},"c":{}}`, "", "", `{"a":{"b":"{no.such}"},"c":{}}`, "application/json"},
		{"JSON, the operator's secret", `body {"key":"{env.SSE_BRIDGE_TEST_SECRET}"}`, "", "", `{"key":"hunter2"}`, "application/json"},
		{"JSON, a cursor before it is known", sends + `body {"since":{sse.cursor}}`, "", `{"mine":1}`, `{"mine":1}`, "text/mine"},
		{"JSON, the client's is replaced", `body {"a":1}`, "", `{"mine":1}`, `{"a":1}`, "application/json"},
		{"JSON, arithmetic", sends + `body {"since":{sse.cursor+1}}`, `1},{"$ne":1`, "", ``, ""},
		{"form", sends + "body q={http.request.uri.query.q}&since={sse.cursor}", evil, "", "q=" + url.QueryEscape(evil) + "&since=" + url.QueryEscape(evil), "application/x-www-form-urlencoded"},
		{"form, the client's", sends + "body {http.request.body}&since={sse.cursor}", "7", "a=1&b=%26", "a=1&b=%26&since=7", "application/x-www-form-urlencoded"},
		{"form, the client's query", "body {query}", "", "", strings.TrimPrefix(target, "/p?"), "application/x-www-form-urlencoded"},
		{"XML", sends + "body <since>{sse.cursor}</since> text/xml", "1</since><admin/>", "", "<since>1&lt;/since&gt;&lt;admin/&gt;</since>", "text/xml"},
		{"text", sends + "body since:{sse.cursor}:{http.request.uri.query.n} text/plain", `"a"`, "", `since:"a":5`, "text/plain"},
	} {
		p := Accept(t, testplan.Of(t, c.lines), testsite.ClientRequest("POST", target, c.Kind, testsite.Header("Content-Type", "text/mine")))
		r := build(t, p, askFrom(c.cursor))
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !testsite.SameText(string(body), c.want) || r.Header.Get("Content-Type") != c.bodyType || r.ContentLength != int64(len(body)) {
			t.Errorf("%s: got %s (%s, %d bytes), want %s (%s)", c.name, body, r.Header.Get("Content-Type"), r.ContentLength, c.want, c.bodyType)
		}
	}
}

// quoted is s as a JSON string.
func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestWhatAClientInsertsIsNeverExpanded(t *testing.T) {
	t.Setenv("SSE_BRIDGE_TEST_SECRET", "hunter2")
	const q = "{env.SSE_BRIDGE_TEST_SECRET}{sse.cursor}{http.request.host}"
	for _, line := range []string{
		"query a {query.q}", "rewrite /x/{query.q}", "rewrite /x?a={query.q}", "rewrite /x?{query}", "rewrite {uri}",
		"header_up X-A {query.q}", "header_up X-A {http.vars.q}", "body {query.q}", "body {query.q} text/plain", `body {"a":"{query.q}"}`,
	} {
		r := testsite.ClientRequest("GET", "/p?q="+url.QueryEscape(q), "", testsite.WithVar("q", q))
		r.Header.Set("Authorization", q)
		got := build(t, Accept(t, testplan.Of(t, sends, "query since {sse.cursor}", line), r), askFrom("cursor-value"))
		body, _ := io.ReadAll(got.Body)
		uri, _ := url.QueryUnescape(strings.Replace(got.RequestURI, "since=cursor-value", "", 1))
		text := uri + got.Header.Get("X-A") + got.Header.Get("Authorization") + string(body)
		if strings.Contains(text, "hunter2") || strings.Contains(text, "cursor-value") || strings.Contains(text, "example.com") {
			t.Errorf("%s: got %s", line, text)
		}
	}
}

func TestOriginalURLIsWhatTheClientAskedForOrTheOperatorWrote(t *testing.T) {
	t.Parallel()
	stripped := func(r *http.Request) {
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/poll", "", r.URL.RawQuery+"&front=1"
	}
	for _, c := range []struct{ lines, cursor, want, original string }{
		{"", "", "/poll?x=1&front=1", "/chat/poll?x=1"},
		{sends + "query since {sse.cursor}", "", "/poll?x=1&front=1", "/chat/poll?x=1"},
		{sends + "query since {sse.cursor}", "7", "/poll?x=1&front=1&since=7", "/chat/poll?x=1&since=7"},
		{"rewrite /other", "", "/other?x=1&front=1", "/other?x=1&front=1"},
		{"rewrite /other?y=2\nquery z 3", "", "/other?y=2&z=3", "/other?y=2&z=3"},
		{"rewrite ?y=2", "", "/poll?y=2", "/poll?y=2"},
		{sends + "rewrite /other/{sse.cursor}", "", "/poll?x=1&front=1", "/chat/poll?x=1"},
		{sends + "rewrite /other/{sse.cursor}", "7", "/other/7?x=1&front=1", "/other/7?x=1&front=1"},
	} {
		p := Accept(t, testplan.Behind(t, "php_fastcgi localhost:9", c.lines), testsite.ClientRequest("GET", "/chat/poll?x=1", "", stripped))
		r := build(t, p, askFrom(c.cursor))
		original := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
		if r.RequestURI != c.want || original.RequestURI != c.original || original.URL.RequestURI() != c.original {
			t.Errorf("%q at %q: got %s, original %s; want %s, original %s", c.lines, c.cursor, r.RequestURI, original.RequestURI, c.want, c.original)
		}
	}
	to := &url.URL{Path: "/login/", RawQuery: "next=1"}
	r, err := Accept(t, testplan.Of(t, "rewrite /other\nquery a 1"), testsite.ClientRequest("GET", "/", "")).Build(t.Context(), askFrom(), &caddyhttp.Server{}, NewAnswer(0), to)
	if err != nil {
		t.Fatal(err)
	}
	if original := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); r.RequestURI != "/login/?next=1" || original.RequestURI != "/login/?next=1" {
		t.Errorf("a redirect leads to %s, original %s", r.RequestURI, original.RequestURI)
	}
}

func TestTheReaderHasTheClientsPlaceholders(t *testing.T) {
	t.Parallel()
	plan := testplan.Of(t, "event {http.request.header.X-Type}")
	p := Accept(t, plan, testsite.ClientRequest("GET", "/", "", testsite.Header("X-Type", "{sse.status}")))
	got, err := p.Reader.Read(page.Response{Status: 200, Header: http.Header{}, Body: []byte("{}")}, feed.Ask{}.From, nil)
	if err != nil || got.Events[0].Type != "{sse.status}" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestACursorLeadsNowhereElse(t *testing.T) {
	plan := testplan.Of(t, "items value", "cursor next", "rewrite {sse.cursor}")
	p := Accept(t, plan, testsite.ClientRequest("GET", "/me/delta?a=b", ""))
	for cursor, want := range map[string]string{
		"https://other.example/me/delta?t=1": "/me/delta?t=1",
		"/me/delta/more?t=2":                 "/me/delta/more?t=2",
		"?t=3":                               "/me/delta?t=3",
		"":                                   "/me/delta?a=b",
		"https://other.example/admin":        "",
		"/me/deltas":                         "",
		"/me/delta/../../admin":              "",
		"/me/delta/%2e%2e/%2e%2e/admin":      "",
		"//evil.example/admin":               "",
		"http://[":                           "",
	} {
		current, original, err := p.urls(p.Env(askFrom(cursor)), cursor != "")
		switch {
		case err != nil && want != "":
			t.Errorf("%q: %v", cursor, err)
		case err == nil && (current.RequestURI() != want || original.RequestURI() != want):
			t.Errorf("%q leads to %s and %s, not %q", cursor, current.RequestURI(), original.RequestURI(), want)
		}
	}
}
