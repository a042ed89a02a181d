package upstream

import (
	"context"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestWhatTheUpstreamTakesOfAClientIsInTheKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handlers string
		change   testsite.Change
	}{
		{"reverse_proxy localhost:1 {\nheader_up X-A {header.X-Mine}\n}", testsite.Header("X-Mine", "a")},
		{"reverse_proxy localhost:1 {\nheader_up {header.X-Mine} a\n}", testsite.Header("X-Mine", "a")},
		{"reverse_proxy {header.X-Mine}", testsite.Header("X-Mine", "a:1")},
		{"respond {header.X-Mine}", testsite.Header("X-Mine", "a")},
		{"rewrite /{header.X-Mine}\nreverse_proxy localhost:1", testsite.Header("X-Mine", "a")},
		{"map {header.X-Mine} {x} {\na b\n}\nreverse_proxy localhost:1 {\nheader_up X-A {x}\n}", testsite.Header("X-Mine", "a")},
		{"vars x {header.X-Mine}\nreverse_proxy localhost:1", testsite.Header("X-Mine", "a")},
		{"@a vars {header.X-Mine} a\nrespond @a 404\nreverse_proxy localhost:1", testsite.Header("X-Mine", "a")},
		{"@a expression `{header.X-Mine} == 'a'`\nrespond @a 404\nreverse_proxy localhost:1", testsite.Header("X-Mine", "a")},
		{"request_header X-Mine {header.X-Mine}!\nreverse_proxy localhost:1", testsite.Header("X-Mine", "a")},
		{"handle_path /x/* {\nreverse_proxy localhost:1 {\nheader_up X-A {header.X-Mine}\n}\n}", testsite.Header("X-Mine", "a")},
		{"reverse_proxy localhost:1 {\nhandle_response {\nrespond {header.X-Mine}\n}\n}", testsite.Header("X-Mine", "a")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {client_ip}\n}", testsite.WithVar(caddyhttp.ClientIPVarKey, "203.0.113.9")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {remote_host}\n}", func(r *http.Request) { r.RemoteAddr = "203.0.113.9:4" }},
		{"reverse_proxy localhost:1 {\nheader_up X-A {http.auth.user.id}\n}", set("http.auth.user.id", "ann")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {re.room.1}\n}", set("http.regexp.room.1", "blue")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {backend}\n}", set("backend", "a")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {http.request.local.port}\n}", testsite.Local("192.0.2.7:443")},
		{"php_fastcgi localhost:1", set("http.auth.user.id", "ann")}, // REMOTE_USER
		{"php_fastcgi localhost:1", sent("/other?x=1")},
		{"php_fastcgi localhost:1", sent("/a?y=1")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {http.request.orig_uri.path}\n}", sent("/other?x=1")},
		{"@a vars {http.request.orig_uri} a\nrespond @a 404\nreverse_proxy localhost:1", sent("/other?x=1")},
		{"file_server", sent("/other?x=1")},
		{"templates\nreverse_proxy localhost:1", sent("/other?x=1")},
		{"invoke x", sent("/other?x=1")},
	} {
		plan := testplan.Behind(t, c.handlers)
		base, other := Accept(t, plan, testsite.ClientRequest("GET", "/a?x=1", "", testsite.Local("192.0.2.1:80"))), Accept(t, plan, testsite.ClientRequest("GET", "/a?x=1", "", testsite.Local("192.0.2.1:80"), c.change))
		if base.Key == other.Key {
			t.Errorf("%q: two clients share what is made for one", c.handlers)
		}
	}
}

func TestWhatTheUpstreamDoesNotTakeDividesNoFeed(t *testing.T) {
	t.Parallel()
	for _, handlers := range []string{
		"reverse_proxy localhost:1", "reverse_proxy h2c://localhost:1 {\nlb_policy round_robin\nheader_up X-A {path}{query}{host}{method}{rp.header.X}{time.now}{env.HOME}\n}",
		"handle_path /a/* {\nencode gzip\nreverse_proxy localhost:1\n}\nrespond 404",
		"@a {\npath /a\nheader Authorization *\nnot query x=2\nprotocol https\n}\nreverse_proxy @a localhost:1",
		"reverse_proxy localhost:1 {\nheader_up X-A {header.Authorization}{cookie.sid}{vars.root}\n}",
		"log_append who {header.X-Mine}{http.request.remote.port}\nreverse_proxy localhost:1",
		"reverse_proxy localhost:1 {\ndynamic a localhost 1\nlb_policy ip_hash\n}",
		"basic_auth {\nann $2a$04$MEtwh8gIfO5UMYv2.4VaOOQq0KAAI6SRPLv4gT/zdJeoXMzUbHiY.\n}\nintercept {\n}\nreverse_proxy localhost:1",
	} {
		plan := testplan.Behind(t, handlers, "items a", "id id", "query since {sse.cursor}")
		want := Accept(t, plan, testsite.ClientRequest("GET", "/a?x=1", "", testsite.Local("192.0.2.1:80")))
		for name, c := range map[string]testsite.Change{
			"the URL before it was rewritten": sent("/before?x=1&_=42"), "the local address": testsite.Local("192.0.2.7:443"), "a header field": testsite.Header("X-Mine", "a"),
			"the remote address": func(r *http.Request) { r.RemoteAddr = "203.0.113.9:4" }, "client_ip": testsite.WithVar(caddyhttp.ClientIPVarKey, "203.0.113.9"),
		} {
			got := Accept(t, plan, testsite.ClientRequest("GET", "/a?x=1", "", testsite.Local("192.0.2.1:80"), c))
			if got.Key != want.Key || got.First.Key() != want.First.Key() {
				t.Errorf("%q: %s divides clients whose polls are the same", handlers, name)
			}
			if r := build(t, got, askFrom()); testsite.TextIn(r, "{http.request.orig_uri} {http.request.local}") != "/a?x=1 0.0.0.0:0" {
				t.Errorf("%q: %s: the poll says %s", handlers, name, testsite.TextIn(r, "{http.request.orig_uri} {http.request.local}"))
			}
		}
	}
}

// sent makes a request one that was sent for another URL, which routes in front have rewritten.
func sent(uri string) testsite.Change {
	return func(r *http.Request) {
		other := testsite.ClientRequest(r.Method, uri, "")
		*r = *r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, other.Context().Value(caddyhttp.OriginalRequestCtxKey)))
	}
}

// set sets a placeholder, as a handler in front does.
func set(name string, v any) testsite.Change {
	return func(r *http.Request) { testsite.ReplacerOf(r).Set(name, v) }
}
