package upstream

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// keyPlan has all that can put something of a client into a poll.
func keyPlan(t testing.TB) *config.Plan {
	return testplan.Behind(t, "php_fastcgi localhost:9", "items a", "id id", "query since {sse.cursor}",
		"header_up X-Tenant {http.request.header.X-Tenant}", "event {http.request.header.X-Event}")
}

func TestWhatSteersTheAnswerIsInTheKey(t *testing.T) {
	t.Parallel()
	plan := keyPlan(t)
	base := func(changes ...testsite.Change) *http.Request {
		return testsite.ClientRequest("GET", "/a/b?x=1&y=2", "", changes...)
	}
	rewritten := func(r *http.Request) { r.URL.Path = "/c" }
	requests := map[string]*http.Request{
		"none":                    base(),
		"scheme":                  testsite.ClientRequest("GET", "https://example.com/a/b?x=1&y=2", ""),
		"method":                  testsite.ClientRequest("POST", "/a/b?x=1&y=2", ""),
		"host":                    testsite.ClientRequest("GET", "http://example.org/a/b?x=1&y=2", ""),
		"port":                    testsite.ClientRequest("GET", "http://example.com:81/a/b?x=1&y=2", ""),
		"path":                    testsite.ClientRequest("GET", "/a/c?x=1&y=2", ""),
		"escaped path":            testsite.ClientRequest("GET", "/a%2Fb?x=1&y=2", ""),
		"query":                   testsite.ClientRequest("GET", "/a/b?x=1&y=3", ""),
		"query's order":           testsite.ClientRequest("GET", "/a/b?y=2&x=1", ""),
		"query's spelling":        testsite.ClientRequest("GET", "/a/b?x=1&%79=2", ""),
		"path and query":          testsite.ClientRequest("GET", "/a/bx?=1&y=2", ""),
		"body":                    testsite.ClientRequest("GET", "/a/b?x=1&y=2", "z"),
		"Content-Type":            testsite.ClientRequest("GET", "/a/b?x=1&y=2", "z", testsite.Header("Content-Type", "text/plain")),
		"Authorization":           base(testsite.Header("Authorization", "a")),
		"empty Authorization":     base(testsite.Header("Authorization", "")),
		"two Authorizations":      base(testsite.Header("Authorization", "a", "b")),
		"joined Authorization":    base(testsite.Header("Authorization", "ab")),
		"Cookie":                  base(testsite.Header("Cookie", "a=1")),
		"two cookies":             base(testsite.Header("Cookie", "a=1; b=2")),
		"Accept-Language":         base(testsite.Header("Accept-Language", "a")),
		"header_up":               base(testsite.Header("X-Tenant", "a")),
		"value template":          base(testsite.Header("X-Event", "a")),
		"original path":           base(rewritten),
		"var":                     base(testsite.WithVar("tier", "a")),
		"var's value":             base(testsite.WithVar("tier", "b")),
		"var's name":              base(testsite.WithVar("tie", "ra")),
		"var's type":              base(testsite.WithVar("tier", 1)),
		"var of the same text":    base(testsite.WithVar("tier", "1")),
		"list of one":             base(testsite.WithVar("tier", []string{"a b"})),
		"list of two":             base(testsite.WithVar("tier", []string{"a", "b"})),
		"var like a header":       base(testsite.WithVar("Cookie", "a=1")),
		"root":                    base(testsite.WithVar("root", "/srv")),
		"Cookie as Authorization": base(testsite.Header("Authorization", "a=1")),
	}
	keys := make(map[Key]string)
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		key := Accept(t, plan, requests[name]).Key
		if other, twice := keys[key]; twice {
			t.Errorf("requests that differ in %q and in %q share a feed", name, other)
		}
		keys[key] = name
	}
}

func TestWhatDoesNotGoUpstreamIsNotInTheKey(t *testing.T) {
	t.Parallel()
	plan := keyPlan(t)
	want := Accept(t, plan, testsite.ClientRequest("GET", "/a?x=1&y=2", "")).Key
	for name, r := range map[string]*http.Request{
		"Last-Event-ID":   testsite.ClientRequest("GET", "/a?x=1&y=2", "", testsite.Header("Last-Event-ID", "7")),
		"lastEventId":     testsite.ClientRequest("GET", "/a?x=1&lastEventId=7&y=2", ""),
		"last_event_id":   testsite.ClientRequest("GET", "/a?last_event_id=7&x=1&y=2", ""),
		"its third alias": testsite.ClientRequest("GET", "/a?x=1&y=2&Last-Event-ID=7", ""),
		"Mercure's":       testsite.ClientRequest("GET", "/a?x=1&lastEventID=7&y=2", ""),
		"any case":        testsite.ClientRequest("GET", "/a?x=1&LAST_EVENT_id=7&y=2", ""),
		"escaped alias":   testsite.ClientRequest("GET", "/a?x=1&y=2&last%45ventId=7", ""),
		"cursor":          testsite.ClientRequest("GET", "/a?since=4&x=1&y=2", ""),
		"other headers":   testsite.ClientRequest("GET", "/a?x=1&y=2", "", testsite.Header("X-Secret", "a"), testsite.Header("Referer", "b"), testsite.Header("Origin", "c")),
		"remote address":  testsite.ClientRequest("GET", "/a?x=1&y=2", "", func(r *http.Request) { r.RemoteAddr = "203.0.113.9:4" }),
		"client_ip":       testsite.ClientRequest("GET", "/a?x=1&y=2", "", testsite.WithVar(caddyhttp.ClientIPVarKey, "203.0.113.9")),
		"trace":           testsite.ClientRequest("GET", "/a?x=1&y=2", "", testsite.WithVar("trace_id", "a"), testsite.WithVar("span_id", "b"), testsite.WithVar("uuid", "c")),
		"trusted proxy":   testsite.ClientRequest("GET", "/a?x=1&y=2", "", testsite.WithVar(caddyhttp.TrustedProxyVarKey, true)),
	} {
		if Accept(t, plan, r).Key != want {
			t.Errorf("%s divides clients whose polls are the same", name)
		}
	}
}

func TestEachPlaceholderOfTheClientThatAPollUsesIsInTheKey(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"rewrite /{http.request.header.X-Who}", "rewrite ?who={http.request.header.X-Who}", "query who {http.request.header.X-Who}",
		"header_up X-Client-IP {http.request.header.X-Who}", "body {http.request.header.X-Who}", "method {http.request.header.X-Who}",
		"data {http.request.header.X-Who}", "event {http.request.header.X-Who}",
		"cursor {http.request.header.X-Who}\nquery since {sse.cursor}", "items a\nid {http.request.header.X-Who}\nquery since {sse.cursor}",
	} {
		plan := testplan.Of(t, line)
		one := Accept(t, plan, testsite.ClientRequest("GET", "/a", "", testsite.Header("X-Who", "one")))
		two := Accept(t, plan, testsite.ClientRequest("GET", "/a", "", testsite.Header("X-Who", "two")))
		if one.Key == two.Key {
			t.Errorf("%s: two clients share what is made for one", line)
		}
	}
	plan := testplan.Of(t, "header_up X-Client-IP {client_ip}")
	one := Accept(t, plan, testsite.ClientRequest("GET", "/a", "", testsite.WithVar(caddyhttp.ClientIPVarKey, "192.0.2.1")))
	two := Accept(t, plan, testsite.ClientRequest("GET", "/a", "", testsite.WithVar(caddyhttp.ClientIPVarKey, "192.0.2.2")))
	if one.Key == two.Key || build(t, two, askFrom()).Header.Get("X-Client-IP") != "192.0.2.2" {
		t.Error("the client's address does not make its feed private")
	}
}

func TestNewcomersShareAFirstPollOnlyIfItIsTheSame(t *testing.T) {
	t.Parallel()
	plan := keyPlan(t)
	first := func(target string, changes ...testsite.Change) string {
		return Accept(t, plan, testsite.ClientRequest("GET", target, "", changes...)).First.Key()
	}
	front := func(r *http.Request) { r.URL.RawQuery = "q=1" } // a route above has dropped the cursor, but REQUEST_URI has it
	if first("/a?since=4") == first("/a?since=5") || first("/a?since=4", front) == first("/a?since=5", front) {
		t.Error("clients at different cursors of their own share their first poll")
	}
	if first("/a?since=4&lastEventId=9", testsite.Header("Referer", "a")) != first("/a?since=4") {
		t.Error("clients whose first polls are the same do not share them")
	}
}

func TestFieldsOfAKeyDoNotRunTogether(t *testing.T) {
	t.Parallel()
	type list struct {
		kind   string
		fields []string
	}
	sum := func(lists ...list) Key {
		k := newKeyWriter()
		for _, l := range lists {
			k.add(l.kind, l.fields...)
		}
		return k.sum()
	}
	keys := make(map[Key]int)
	for i, lists := range [][]list{
		{},
		{{"", nil}},
		{{"", nil}, {"", nil}},
		{{"a", nil}},
		{{"", []string{"a"}}},
		{{"", []string{"", "a"}}},
		{{"", []string{"a", ""}}},
		{{"a", []string{"bc"}}},
		{{"ab", []string{"c"}}},
		{{"a", []string{"b", "c"}}},
		{{"a", []string{"b"}}, {"c", nil}},
		{{"a", []string{"b", "c", "d"}}},
		{{"a", []string{"b"}}, {"c", []string{"d"}}},
		{{"a", []string{"bcd"}}},
		{{"a", []string{"\x00\x00\x00\x00\x00\x00\x00\x01b"}}},
	} {
		key := sum(lists...)
		if other, twice := keys[key]; twice {
			t.Errorf("%v has the key of list %d", lists, other)
		}
		keys[key] = i
	}
}

func TestWhatStepsSendIsPartOfTheKey(t *testing.T) {
	t.Parallel()
	plan := testplan.Of(t, "open {\nquery who {http.request.header.X-Me}\n}", "wait {\nmethod {http.request.header.X-Verb}\nwhen a\n}")
	keyOf := func(name, value string) Key {
		r := testsite.ClientRequest("GET", "/", "")
		r.Header.Set("X-Verb", "GET")
		r.Header.Set(name, value)
		return Accept(t, plan, r).Key
	}
	if keyOf("X-Me", "ann") == keyOf("X-Me", "bob") {
		t.Error("two clients whose `open` differs share a feed")
	}
	if keyOf("X-Verb", "GET") == keyOf("X-Verb", "POST") {
		t.Error("two clients whose `wait` differs share a feed")
	}
	if keyOf("X-Other", "ann") != keyOf("X-Other", "bob") {
		t.Error("what no request sends divides a feed")
	}
}

func TestStepsSendNoMoreThanTheKeyHolds(t *testing.T) {
	t.Parallel()
	r := testsite.ClientRequest("GET", "/poll?since=7&room=1", "")
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("Cookie", "a=1; b=2")
	p := Accept(t, testplan.Of(t, "query since {sse.cursor}", "cookies a b", "items @this", "id id",
		"open {\ncookies b\ncursor since\n}", "wait {\nupstream {\nreverse_proxy localhost:9001\n}\nwhen a\n}"), r)
	for _, c := range []struct {
		name                         string
		step                         *Request
		query, authorization, cookie string
	}{
		{"open", p.Steps[0], "room=1", "Bearer x", "b=2"},
		{"wait elsewhere", p.Steps[1], "", "", ""},
	} {
		got := build(t, c.step, askFrom("9"))
		if got.URL.RawQuery != c.query || got.Header.Get("Authorization") != c.authorization || got.Header.Get("Cookie") != c.cookie {
			t.Errorf("%s: got %s %v", c.name, got.URL, got.Header)
		}
	}
}

func TestWhatNoPollSendsDividesNoFeed(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"header_up -Accept-Language", "header_up Accept-Language en", "query -x", "query x 1", "header_up -Cookie"} {
		plan := testplan.Of(t, line, "items a", "id id", "query since {sse.cursor}")
		one := Accept(t, plan, testsite.ClientRequest("GET", "/?x=2", "", testsite.Header("Accept-Language", "de"), testsite.Header("Cookie", "a=1")))
		other := Accept(t, plan, testsite.ClientRequest("GET", "/?x=3", "", testsite.Header("Accept-Language", "fr"), testsite.Header("Cookie", "a=2")))
		alike := Accept(t, plan, testsite.ClientRequest("GET", "/?x=2", "", testsite.Header("Accept-Language", "de"), testsite.Header("Cookie", "a=1")))
		if one.Key != alike.Key {
			t.Errorf("%s: equal requests have two keys", line)
		}
		field, _, _ := strings.Cut(line, " ")
		for _, differing := range []struct {
			name  string
			other *Request
		}{
			{"query", Accept(t, plan, testsite.ClientRequest("GET", "/?x=3", "", testsite.Header("Accept-Language", "de"), testsite.Header("Cookie", "a=1")))},
			{"Accept-Language", Accept(t, plan, testsite.ClientRequest("GET", "/?x=2", "", testsite.Header("Accept-Language", "fr"), testsite.Header("Cookie", "a=1")))},
			{"Cookie", Accept(t, plan, testsite.ClientRequest("GET", "/?x=2", "", testsite.Header("Accept-Language", "de"), testsite.Header("Cookie", "a=2")))},
		} {
			shared := strings.Contains(line, differing.name) || field == differing.name
			if (one.Key == differing.other.Key) != shared {
				t.Errorf("%s: clients that differ in their %s share a feed: %t", line, differing.name, !shared)
			}
			if a, b := build(t, one, askFrom()), build(t, differing.other, askFrom()); shared && (a.URL.String() != b.URL.String() || !maps.EqualFunc(a.Header, b.Header, slices.Equal)) {
				t.Errorf("%s: clients share a feed and poll %s %v and %s %v", line, a.URL, a.Header, b.URL, b.Header)
			}
		}
		if one.Key == other.Key {
			t.Errorf("%s: it makes one feed of clients that differ in more", line)
		}
	}
}
