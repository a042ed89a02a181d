package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
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
	one, two := testsite.Backend(t, echoes("one")), testsite.Backend(t, echoes("two"))
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
			s := testsite.Run(t, "{{site}} {\n"+c.front+"\nsse_bridge "+c.bridge+" "+block+"\n}\n")
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+c.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			resp, err := testsite.Knock(http.DefaultTransport, r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			plain, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != 200 || !strings.Contains(string(plain), c.want) {
				t.Fatalf("the plain request gets %s %s, %v; want %s in it", resp.Status, plain, err, c.want)
			}
			if got := testsite.Subscribe(t, s.URL+c.target, c.header...).Next(); got.Data != string(plain) {
				t.Errorf("the poll brought %s, the plain request %s", got.Data, plain)
			}
		})
	}
}

func TestThreeClientsOfOneURLAreOneFeed(t *testing.T) {
	for _, front := range []string{"uri query -_", "rewrite * /prices"} {
		s, admin := testsite.RunWithAdmin(t, "{{site}} {\n\t"+front+"\n\tsse_bridge "+testsite.Backend(t, echoes("one"))+"\n}")
		for n := range 3 {
			testsite.Subscribe(t, fmt.Sprintf("%s/prices?_=%d", s.URL, n), "Cookie", "a=1").Next()
			if strings.HasPrefix(front, "rewrite") {
				testsite.Subscribe(t, fmt.Sprintf("%s/prices/%d?_=0", s.URL, n), "Cookie", "a=1").Next()
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

func TestWarningsOfTheUpstreamAreLoggedWhenItIsLoaded(t *testing.T) {
	log, options := global(t, "")
	testsite.Run(t, options+"{{site}} {\n\tsse_bridge {\n\t\tupstream {\n\t\t\t@mine header X-Mine a\n\t\t\treverse_proxy @mine localhost:1\n\t\t}\n\t}\n}")
	lines, _ := log.entries(t, bridgeLogger)
	if len(lines) != 1 || lines[0].Level != "warn" || !strings.Contains(lines[0].Msg, "X-Mine") {
		t.Errorf("got %+v", lines)
	}
}

func TestEmptyVariablesOfTheEnvironmentAreLoggedWhenABlockIsLoaded(t *testing.T) {
	log, options := global(t, "")
	testsite.Run(t, options+"{{site}} {\n\tsse_bridge localhost:1 {\n\t\theader_up X-Key {env.SSE_BRIDGE_TEST_NONE}\n\t}\n}")
	lines, _ := log.entries(t, bridgeLogger)
	if len(lines) != 1 || lines[0].Level != "warn" || lines[0].Msg != "{env.SSE_BRIDGE_TEST_NONE} is empty: set it in Caddy's environment" {
		t.Errorf("got %+v", lines)
	}
}
