package ssebridge

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// keyPlan has all that can put something of a client into a poll.
func keyPlan(t testing.TB) *compiled {
	return planBehind(t, "php_fastcgi localhost:9", "items a", "id id", "query since {sse.cursor}",
		"header_up X-Tenant {http.request.header.X-Tenant}", "event {http.request.header.X-Event}")
}

func TestWhatSteersTheAnswerIsInTheKey(t *testing.T) {
	t.Parallel()
	plan := keyPlan(t)
	base := func(changes ...change) *http.Request { return clientRequest("GET", "/a/b?x=1&y=2", "", changes...) }
	rewritten := func(r *http.Request) { r.URL.Path = "/c" }
	requests := map[string]*http.Request{
		"none":                    base(),
		"scheme":                  clientRequest("GET", "https://example.com/a/b?x=1&y=2", ""),
		"method":                  clientRequest("POST", "/a/b?x=1&y=2", ""),
		"host":                    clientRequest("GET", "http://example.org/a/b?x=1&y=2", ""),
		"port":                    clientRequest("GET", "http://example.com:81/a/b?x=1&y=2", ""),
		"path":                    clientRequest("GET", "/a/c?x=1&y=2", ""),
		"escaped path":            clientRequest("GET", "/a%2Fb?x=1&y=2", ""),
		"query":                   clientRequest("GET", "/a/b?x=1&y=3", ""),
		"query's order":           clientRequest("GET", "/a/b?y=2&x=1", ""),
		"query's spelling":        clientRequest("GET", "/a/b?x=1&%79=2", ""),
		"path and query":          clientRequest("GET", "/a/bx?=1&y=2", ""),
		"body":                    clientRequest("GET", "/a/b?x=1&y=2", "z"),
		"Content-Type":            clientRequest("GET", "/a/b?x=1&y=2", "z", header("Content-Type", "text/plain")),
		"Authorization":           base(header("Authorization", "a")),
		"empty Authorization":     base(header("Authorization", "")),
		"two Authorizations":      base(header("Authorization", "a", "b")),
		"joined Authorization":    base(header("Authorization", "ab")),
		"Cookie":                  base(header("Cookie", "a=1")),
		"two cookies":             base(header("Cookie", "a=1; b=2")),
		"Accept-Language":         base(header("Accept-Language", "a")),
		"header_up":               base(header("X-Tenant", "a")),
		"value template":          base(header("X-Event", "a")),
		"original path":           base(rewritten),
		"var":                     base(withVar("tier", "a")),
		"var's value":             base(withVar("tier", "b")),
		"var's name":              base(withVar("tie", "ra")),
		"var's type":              base(withVar("tier", 1)),
		"var of the same text":    base(withVar("tier", "1")),
		"list of one":             base(withVar("tier", []string{"a b"})),
		"list of two":             base(withVar("tier", []string{"a", "b"})),
		"var like a header":       base(withVar("Cookie", "a=1")),
		"root":                    base(withVar("root", "/srv")),
		"Cookie as Authorization": base(header("Authorization", "a=1")),
	}
	keys := make(map[feedKey]string)
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		key := accept(t, plan, requests[name]).key
		if other, twice := keys[key]; twice {
			t.Errorf("requests that differ in %q and in %q share a feed", name, other)
		}
		keys[key] = name
	}
}

func TestWhatDoesNotGoUpstreamIsNotInTheKey(t *testing.T) {
	t.Parallel()
	plan := keyPlan(t)
	want := accept(t, plan, clientRequest("GET", "/a?x=1&y=2", "")).key
	for name, r := range map[string]*http.Request{
		"Last-Event-ID":   clientRequest("GET", "/a?x=1&y=2", "", header("Last-Event-ID", "7")),
		"lastEventId":     clientRequest("GET", "/a?x=1&lastEventId=7&y=2", ""),
		"last_event_id":   clientRequest("GET", "/a?last_event_id=7&x=1&y=2", ""),
		"its third alias": clientRequest("GET", "/a?x=1&y=2&Last-Event-ID=7", ""),
		"Mercure's":       clientRequest("GET", "/a?x=1&lastEventID=7&y=2", ""),
		"any case":        clientRequest("GET", "/a?x=1&LAST_EVENT_id=7&y=2", ""),
		"escaped alias":   clientRequest("GET", "/a?x=1&y=2&last%45ventId=7", ""),
		"cursor":          clientRequest("GET", "/a?since=4&x=1&y=2", ""),
		"other headers":   clientRequest("GET", "/a?x=1&y=2", "", header("X-Secret", "a"), header("Referer", "b"), header("Origin", "c")),
		"remote address":  clientRequest("GET", "/a?x=1&y=2", "", func(r *http.Request) { r.RemoteAddr = "203.0.113.9:4" }),
		"client_ip":       clientRequest("GET", "/a?x=1&y=2", "", withVar(caddyhttp.ClientIPVarKey, "203.0.113.9")),
		"trace":           clientRequest("GET", "/a?x=1&y=2", "", withVar("trace_id", "a"), withVar("span_id", "b"), withVar("uuid", "c")),
		"trusted proxy":   clientRequest("GET", "/a?x=1&y=2", "", withVar(caddyhttp.TrustedProxyVarKey, true)),
	} {
		if accept(t, plan, r).key != want {
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
		plan := planOf(t, line)
		one := accept(t, plan, clientRequest("GET", "/a", "", header("X-Who", "one")))
		two := accept(t, plan, clientRequest("GET", "/a", "", header("X-Who", "two")))
		if one.key == two.key {
			t.Errorf("%s: two clients share what is made for one", line)
		}
	}
	plan := planOf(t, "header_up X-Client-IP {client_ip}")
	one := accept(t, plan, clientRequest("GET", "/a", "", withVar(caddyhttp.ClientIPVarKey, "192.0.2.1")))
	two := accept(t, plan, clientRequest("GET", "/a", "", withVar(caddyhttp.ClientIPVarKey, "192.0.2.2")))
	if one.key == two.key || build(t, two, askFrom()).Header.Get("X-Client-IP") != "192.0.2.2" {
		t.Error("the client's address does not make its feed private")
	}
}

func TestNewcomersShareAFirstPollOnlyIfItIsTheSame(t *testing.T) {
	t.Parallel()
	plan := keyPlan(t)
	first := func(target string, changes ...change) string {
		return accept(t, plan, clientRequest("GET", target, "", changes...)).first.key()
	}
	front := func(r *http.Request) { r.URL.RawQuery = "q=1" } // a route above has dropped the cursor, but REQUEST_URI has it
	if first("/a?since=4") == first("/a?since=5") || first("/a?since=4", front) == first("/a?since=5", front) {
		t.Error("clients at different cursors of their own share their first poll")
	}
	if first("/a?since=4&lastEventId=9", header("Referer", "a")) != first("/a?since=4") {
		t.Error("clients whose first polls are the same do not share them")
	}
}

func TestFieldsOfAKeyDoNotRunTogether(t *testing.T) {
	t.Parallel()
	type list struct {
		kind   string
		fields []string
	}
	sum := func(lists ...list) feedKey {
		k := newKeyWriter()
		for _, l := range lists {
			k.add(l.kind, l.fields...)
		}
		return k.sum()
	}
	keys := make(map[feedKey]int)
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
	plan := planOf(t, "open {\nquery who {http.request.header.X-Me}\n}", "wait {\nmethod {http.request.header.X-Verb}\nwhen a\n}")
	keyOf := func(name, value string) feedKey {
		r := clientRequest("GET", "/", "")
		r.Header.Set("X-Verb", "GET")
		r.Header.Set(name, value)
		return accept(t, plan, r).key
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
	r := clientRequest("GET", "/poll?since=7&room=1", "")
	r.Header.Set("Authorization", "Bearer x")
	r.Header.Set("Cookie", "a=1; b=2")
	p := accept(t, planOf(t, "query since {sse.cursor}", "cookies a b", "items @this", "id id",
		"open {\ncookies b\ncursor since\n}", "wait {\nupstream {\nreverse_proxy localhost:9001\n}\nwhen a\n}"), r)
	for _, c := range []struct {
		name                         string
		step                         *pollRequest
		query, authorization, cookie string
	}{
		{"open", p.open, "room=1", "Bearer x", "b=2"},
		{"wait elsewhere", p.wait, "", "", ""},
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
		plan := planOf(t, line, "items a", "id id", "query since {sse.cursor}")
		one := accept(t, plan, clientRequest("GET", "/?x=2", "", header("Accept-Language", "de"), header("Cookie", "a=1")))
		other := accept(t, plan, clientRequest("GET", "/?x=3", "", header("Accept-Language", "fr"), header("Cookie", "a=2")))
		alike := accept(t, plan, clientRequest("GET", "/?x=2", "", header("Accept-Language", "de"), header("Cookie", "a=1")))
		if one.key != alike.key {
			t.Errorf("%s: equal requests have two keys", line)
		}
		field, _, _ := strings.Cut(line, " ")
		for _, differing := range []struct {
			name  string
			other *pollRequest
		}{
			{"query", accept(t, plan, clientRequest("GET", "/?x=3", "", header("Accept-Language", "de"), header("Cookie", "a=1")))},
			{"Accept-Language", accept(t, plan, clientRequest("GET", "/?x=2", "", header("Accept-Language", "fr"), header("Cookie", "a=1")))},
			{"Cookie", accept(t, plan, clientRequest("GET", "/?x=2", "", header("Accept-Language", "de"), header("Cookie", "a=2")))},
		} {
			shared := strings.Contains(line, differing.name) || field == differing.name
			if (one.key == differing.other.key) != shared {
				t.Errorf("%s: clients that differ in their %s share a feed: %t", line, differing.name, !shared)
			}
			if a, b := build(t, one, askFrom()), build(t, differing.other, askFrom()); shared && (a.URL.String() != b.URL.String() || !maps.EqualFunc(a.Header, b.Header, slices.Equal)) {
				t.Errorf("%s: clients share a feed and poll %s %v and %s %v", line, a.URL, a.Header, b.URL, b.Header)
			}
		}
		if one.key == other.key {
			t.Errorf("%s: it makes one feed of clients that differ in more", line)
		}
	}
}
