package ssebridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// echoes answers with what a poll and a plain request should have in common: the path, the query and
// the fields whose names begin with X-Say.
func echoes(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said := []string{name, r.Method, r.URL.Path, r.URL.RawQuery}
		for field, values := range r.Header {
			if strings.HasPrefix(field, "X-Say") {
				said = append(said, fmt.Sprintf("%s=%q", field, values))
			}
		}
		slices.Sort(said[4:])
		io.WriteString(w, strings.Join(said, " "))
	}
}

// TestPollsOfAnUpstreamWithPlaceholdersAreThePlainRequest compares what arrives at the backend.
func TestPollsOfAnUpstreamWithPlaceholdersAreThePlainRequest(t *testing.T) {
	t.Setenv("SSE_BRIDGE_TEST_SECRET", "hunter2")
	const hash = "$2a$04$MEtwh8gIfO5UMYv2.4VaOOQq0KAAI6SRPLv4gT/zdJeoXMzUbHiY." // of "pw", at the lowest cost
	one, two := backend(t, echoes("one")), backend(t, echoes("two"))
	proxy := func(lines string) string { return "upstream {\n reverse_proxy " + one + " {\n" + lines + "\n}\n}" }
	for _, c := range []struct {
		name, front, bridge, block string
		target                     string
		header                     []string
		want                       string // in what arrives; empty to have the plain request alone decide
	}{
		{"the site's map, as the address", "map {header.X-Tier} {backend} {\ngold " + two + "\ndefault " + one + "\n}", "/p {backend}", "", "/p", []string{"X-Tier", "gold"}, "two"},
		{"the site's map, by its default", "map {header.X-Tier} {backend} {\ngold " + two + "\ndefault " + one + "\n}", "/p {backend}", "", "/p", nil, "one"},
		{"the site's regexp", "@room path_regexp room ^/rooms/(\\w+)$", "@room", proxy("header_up X-Say {re.room.1}"), "/rooms/blue", nil, `["blue"]`},
		{"a regexp that the site does not have", "", "", proxy("header_up X-Say {re.room.1}"), "/p", nil, ""},
		{"who is authenticated", "basic_auth {\nann " + hash + "\n}", "", proxy("header_up X-Say {http.auth.user.id}"), "/p", []string{"Authorization", "Basic YW5uOnB3"}, `["ann"]`},
		{"nobody who is authenticated", "", "", proxy("header_up X-Say {http.auth.user.id}"), "/p", nil, ""},
		{"a header field", "", "", proxy("header_up X-Say {header.X-Mine}"), "/p", []string{"X-Mine", "a"}, `["a"]`},
		{"a header field that is not there", "", "", proxy("header_up X-Say a{header.X-Mine}b"), "/p", nil, `["ab"]`},
		{"the agent", "", "", proxy("header_up X-Say {header.User-Agent}"), "/p", []string{"User-Agent", "browser"}, `["browser"]`},
		{"a cookie that polls do not keep", "", "", "cookies other\n" + proxy("header_up X-Say {cookie.sid}"), "/p", []string{"Cookie", "sid=1; other=2"}, `["1"]`},
		{"a cookie that polls keep", "", "", proxy("header_up X-Say {cookie.sid}"), "/p", []string{"Cookie", "sid=1"}, `["1"]`},
		{"the address", "", "", proxy("header_up X-Say {remote_host}\nheader_up X-Say-IP {client_ip}\nheader_up X-Say-Net {http.request.remote.host/8}"), "/p", nil, `["127.0.0.0/8"]`},
		{"a variable of the site", "vars tier {header.X-Tier}", "", proxy("header_up X-Say {vars.tier}"), "/p", []string{"X-Tier", "gold"}, `["gold"]`},
		{"the local address", "", "", proxy("header_up X-Say {http.request.local}"), "/p", nil, ""},
		{"the protocol", "", "", proxy("header_up X-Say {http.request.proto}"), "/p", nil, "HTTP/1.1"},
		{"the poll's own URL", "", "", "upstream {\nrewrite /inner{uri}\nreverse_proxy " + one + " {\nheader_up X-Say {path}\nheader_up X-Say-Query {query.a}\n}\n}", "/p?a=1", nil, "/inner/p a=1"},
		{"a map of the upstream", "", "", "upstream {\nmap {header.X-Tier} {tier} {\ngold 1\ndefault 0\n}\nreverse_proxy " + one + " {\nheader_up X-Say {tier}\n}\n}", "/p", []string{"X-Tier", "gold"}, `["1"]`},
		{"a regexp of the upstream", "@room path_regexp room ^/(\\w+)$", "@room", "upstream {\n@inner path_regexp room ^/(.)\nreverse_proxy @inner " + one + " {\nheader_up X-Say {re.room.1}\n}\n}", "/rooms", nil, `["r"]`},
		{"a variable of the upstream", "vars tier outer", "", "upstream {\nvars tier inner\nreverse_proxy " + one + " {\nheader_up X-Say {vars.tier}\n}\n}", "/p", nil, `["inner"]`},
		{"a header field that the upstream sets", "", "", "upstream {\nrequest_header X-Say-A a{header.X-Mine}\nrequest_header X-Say-B {header.X-Say-A}b\nreverse_proxy " + one + "\n}", "/p", []string{"X-Mine", "1"}, `X-Say-B=["a1b"]`},
		{"a header field that the upstream changes", "", "", "upstream {\nrequest_header X-Say {header.X-Say}!\nreverse_proxy " + one + "\n}", "/p", []string{"X-Say", "1"}, `["1!"]`},
		{"a matcher in an expression", "", "", "upstream {\n@gold expression `{header.X-Tier} == \"gold\"`\nreverse_proxy @gold " + two + "\nreverse_proxy " + one + "\n}", "/p", []string{"X-Tier", "gold"}, "two"},
		{"what is never expanded", "", "", proxy("header_up X-Say {header.X-Mine}"), "/p", []string{"X-Mine", "{env.SSE_BRIDGE_TEST_SECRET}"}, "{env.SSE"},
		{"the system", "", "", proxy("header_up X-Say {env.SSE_BRIDGE_TEST_SECRET}"), "/p", nil, "hunter2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			block := c.block
			if block != "" {
				block = "{\n" + block + "\n}"
			}
			s := runCaddy(t, "{{site}} {\n"+c.front+"\nsse_bridge "+c.bridge+" "+block+"\n}\n")
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+c.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			resp, err := knock(http.DefaultTransport, r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			plain, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 || !strings.Contains(string(plain), c.want) {
				t.Fatalf("the plain request gets %s %s, %v; want %s in it", resp.Status, plain, err, c.want)
			}
			if got := subscribe(t, s.url+c.target, c.header...).next(); got.Data != string(plain) {
				t.Errorf("the poll brought %s, the plain request %s", got.Data, plain)
			}
		})
	}
}

func TestWhatTheUpstreamTakesOfAClientIsInTheKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handlers string
		change   change
	}{
		{"reverse_proxy localhost:1 {\nheader_up X-A {header.X-Mine}\n}", header("X-Mine", "a")},
		{"reverse_proxy localhost:1 {\nheader_up {header.X-Mine} a\n}", header("X-Mine", "a")},
		{"reverse_proxy {header.X-Mine}", header("X-Mine", "a:1")},
		{"respond {header.X-Mine}", header("X-Mine", "a")},
		{"rewrite /{header.X-Mine}\nreverse_proxy localhost:1", header("X-Mine", "a")},
		{"map {header.X-Mine} {x} {\na b\n}\nreverse_proxy localhost:1 {\nheader_up X-A {x}\n}", header("X-Mine", "a")},
		{"vars x {header.X-Mine}\nreverse_proxy localhost:1", header("X-Mine", "a")},
		{"@a vars {header.X-Mine} a\nrespond @a 404\nreverse_proxy localhost:1", header("X-Mine", "a")},
		{"@a expression `{header.X-Mine} == 'a'`\nrespond @a 404\nreverse_proxy localhost:1", header("X-Mine", "a")},
		{"request_header X-Mine {header.X-Mine}!\nreverse_proxy localhost:1", header("X-Mine", "a")},
		{"handle_path /x/* {\nreverse_proxy localhost:1 {\nheader_up X-A {header.X-Mine}\n}\n}", header("X-Mine", "a")},
		{"reverse_proxy localhost:1 {\nhandle_response {\nrespond {header.X-Mine}\n}\n}", header("X-Mine", "a")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {client_ip}\n}", withVar(caddyhttp.ClientIPVarKey, "203.0.113.9")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {remote_host}\n}", func(r *http.Request) { r.RemoteAddr = "203.0.113.9:4" }},
		{"reverse_proxy localhost:1 {\nheader_up X-A {http.auth.user.id}\n}", set("http.auth.user.id", "ann")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {re.room.1}\n}", set("http.regexp.room.1", "blue")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {backend}\n}", set("backend", "a")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {http.request.local.port}\n}", local("192.0.2.7:443")},
		{"php_fastcgi localhost:1", set("http.auth.user.id", "ann")}, // REMOTE_USER
		{"php_fastcgi localhost:1", sent("/other?x=1")},
		{"php_fastcgi localhost:1", sent("/a?y=1")},
		{"reverse_proxy localhost:1 {\nheader_up X-A {http.request.orig_uri.path}\n}", sent("/other?x=1")},
		{"@a vars {http.request.orig_uri} a\nrespond @a 404\nreverse_proxy localhost:1", sent("/other?x=1")},
		{"file_server", sent("/other?x=1")},
		{"templates\nreverse_proxy localhost:1", sent("/other?x=1")},
		{"invoke x", sent("/other?x=1")},
	} {
		plan := planBehind(t, c.handlers)
		base, other := accept(t, plan, clientRequest("GET", "/a?x=1", "", local("192.0.2.1:80"))), accept(t, plan, clientRequest("GET", "/a?x=1", "", local("192.0.2.1:80"), c.change))
		if base.key == other.key {
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
		plan := planBehind(t, handlers, "items a", "id id", "query since {sse.cursor}")
		want := accept(t, plan, clientRequest("GET", "/a?x=1", "", local("192.0.2.1:80")))
		for name, c := range map[string]change{
			"the URL before it was rewritten": sent("/before?x=1&_=42"), "the local address": local("192.0.2.7:443"), "a header field": header("X-Mine", "a"),
			"the remote address": func(r *http.Request) { r.RemoteAddr = "203.0.113.9:4" }, "client_ip": withVar(caddyhttp.ClientIPVarKey, "203.0.113.9"),
		} {
			got := accept(t, plan, clientRequest("GET", "/a?x=1", "", local("192.0.2.1:80"), c))
			if got.key != want.key || got.first.key() != want.first.key() {
				t.Errorf("%q: %s divides clients whose polls are the same", handlers, name)
			}
			if r := build(t, got, askFrom()); textIn(r, "{http.request.orig_uri} {http.request.local}") != "/a?x=1 0.0.0.0:0" {
				t.Errorf("%q: %s: the poll says %s", handlers, name, textIn(r, "{http.request.orig_uri} {http.request.local}"))
			}
		}
	}
}

// sent makes a request one that was sent for another URL, which routes in front have rewritten.
func sent(uri string) change {
	return func(r *http.Request) {
		other := clientRequest(r.Method, uri, "")
		*r = *r.WithContext(context.WithValue(r.Context(), caddyhttp.OriginalRequestCtxKey, other.Context().Value(caddyhttp.OriginalRequestCtxKey)))
	}
}

// local makes a request one that has arrived at an address.
func local(addr string) change {
	return func(r *http.Request) {
		at, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			panic(err)
		}
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
	}
}

// set sets a placeholder, as a handler in front does.
func set(name string, v any) change {
	return func(r *http.Request) { replacerOf(r).Set(name, v) }
}

func TestThreeClientsOfOneURLAreOneFeed(t *testing.T) {
	for _, front := range []string{"uri query -_", "rewrite * /prices"} {
		s, admin := runWithAdmin(t, "{{site}} {\n\t"+front+"\n\tsse_bridge "+backend(t, echoes("one"))+"\n}")
		for n := range 3 {
			subscribe(t, fmt.Sprintf("%s/prices?_=%d", s.url, n), "Cookie", "a=1").next()
			if strings.HasPrefix(front, "rewrite") {
				subscribe(t, fmt.Sprintf("%s/prices/%d?_=0", s.url, n), "Cookie", "a=1").next()
			}
		}
		want := 1
		if strings.HasPrefix(front, "rewrite") {
			want = 3 // by what the query still says
		}
		if o := overviewOf(t, admin, ""); len(o.Feeds) != want {
			t.Errorf("%s: %d feeds, want %d", front, len(o.Feeds), want)
		}
	}
}

func TestPlaceholdersOfOneRequestAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for name, instead := range map[string]string{
		"http.request.uuid": "{sse.id}", "http.vars.uuid": "{sse.id}", "http.request.remote": "{http.request.remote.host}", "http.request.remote.port": "{http.request.remote.host}",
		"http.request.duration": "{time.now.unix_ms}", "http.request.duration_ms": "{time.now.unix_ms}", "http.vars.start_time": "{time.now.unix_ms}",
		"http.response.header.X": "{http.reverse_proxy.header.*}", "http.response.status": "{http.reverse_proxy.header.*}", "http.vars.trace_id": "`tracing`", "http.vars.span_id": "`tracing`",
		"http.error.id": "leave it out", "http.request.header.last-event-ID": "{sse.cursor}", "sse.cursor": "`header_up`",
	} {
		for _, step := range []bool{false, true} {
			routes := `[{"match": [{"path": ["/a"]}], "handle": [{"handler": "reverse_proxy", "headers": {"request": {"set": {"X-A": ["a", "b{` + name + `}"]}}}}]}]`
			fields, at := `{"upstream": `+routes+`}`, "upstream.0.handle.0.headers.request.set.X-A.1"
			if step {
				fields, at = `{"upstream": [{"handle": [{"handler": "static_response"}]}], "open": {"upstream": `+routes+`}}`, "open "+at
			}
			h := new(Handler)
			if err := json.Unmarshal([]byte(fields), h); err != nil {
				t.Fatal(err)
			}
			_, err := h.compile()
			if err == nil || !strings.HasPrefix(err.Error(), at+": {"+name+"} ") || !strings.Contains(err.Error(), instead) {
				t.Errorf("%s: got %v, want %s and %s", name, err, at, instead)
			}
		}
	}
	planBehind(t, "tracing\nreverse_proxy localhost:1 {\nheader_up X-Trace {http.vars.trace_id}\n}")
	planBehind(t, "reverse_proxy localhost:1 {\nheader_up X-A \\{http.request.uuid}\n}")
}

func TestMatchersThatCannotHoldForPollsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		handlers, line string
		want           []string // one in each warning
	}{
		{"@a header X-Mine a\nreverse_proxy @a localhost:1", "", []string{"X-Mine"}},
		{"@a header_regexp x-mine a\nreverse_proxy @a localhost:1", "", []string{"X-Mine"}},
		{"@a not header X-Mine a\nreverse_proxy @a localhost:1", "", []string{"X-Mine"}},
		{"handle /a {\n@a header X-Mine a\nreverse_proxy @a localhost:1\n}", "", []string{"X-Mine"}},
		{"@a expression `header({'X-Mine': 'a'}) || header_regexp('X-Two', 'a') || header_regexp('n', 'X-Three', 'a')`\nreverse_proxy @a localhost:1", "", []string{"X-Mine", "X-Two", "X-Three"}},
		{"@a remote_ip 127.0.0.1\n@b client_ip 127.0.0.1\nreverse_proxy @a localhost:1\nreverse_proxy @b localhost:1", "", []string{"remote_ip", "client_ip"}},
		{"@a expression client_ip('127.0.0.1')\nreverse_proxy @a localhost:1", "", []string{"client_ip"}},
		{"@a header User-Agent curl*\nreverse_proxy @a localhost:1", "", []string{"User-Agent"}},
		{"invoke x", "", []string{"invoke"}},
		{"@a header X-Mine a\nreverse_proxy @a localhost:1", "header_up X-Mine {header.X-Mine}", nil},
		{"request_header X-Mine a\n@a header X-Mine a\nreverse_proxy @a localhost:1", "", nil},
		{"@a {\nheader Cookie *sid*\nheader Authorization *\nheader X-Forwarded-Proto https\nheader Accept *json*\n}\nreverse_proxy @a localhost:1", "", nil},
		{"@ws {\nheader Connection *Upgrade*\nheader Upgrade websocket\n}\nreverse_proxy @ws localhost:2\nreverse_proxy localhost:1", "", nil},
	} {
		warnings := planBehind(t, c.handlers, c.line).wants.warnings
		if len(warnings) != len(c.want) {
			t.Errorf("%q, %q: %d warnings: %q", c.handlers, c.line, len(warnings), warnings)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(warnings[i], want) {
				t.Errorf("%q: %q, want %s in it", c.handlers, warnings[i], want)
			}
		}
	}
}

func TestWarningsOfTheUpstreamAreLoggedWhenItIsLoaded(t *testing.T) {
	log, options := global(t, "")
	runCaddy(t, options+"{{site}} {\n\tsse_bridge {\n\t\tupstream {\n\t\t\t@mine header X-Mine a\n\t\t\treverse_proxy @mine localhost:1\n\t\t}\n\t}\n}")
	lines, _ := log.entries(t, bridgeLogger)
	if len(lines) != 1 || lines[0].Level != "warn" || !strings.Contains(lines[0].Msg, "X-Mine") {
		t.Errorf("got %+v", lines)
	}
}
