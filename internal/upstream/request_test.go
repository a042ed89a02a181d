package upstream

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// askFrom is what a chain asks at a cursor; without values, at none.
func askFrom(values ...string) feed.Ask {
	jar, _ := cookiejar.New(nil)
	return feed.Ask{From: position.Position{Cursor: values}, Chain: "chain", Number: 3, Session: &feed.Session{Jar: jar}}
}

func build(t testing.TB, p *Request, ask feed.Ask) *http.Request {
	t.Helper()
	r, err := p.Build(t.Context(), ask, &caddyhttp.Server{}, NewAnswer(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOnlyWhatIsAllowedOfAClientsHeaderGoesUpstream(t *testing.T) {
	t.Parallel()
	want := http.Header{
		"Authorization": {"Bearer a"}, "Cookie": {"sid=1; theme=dark"}, "Accept-Language": {"de, en;q=0.5"},
		"X-Requested-With": {"XMLHttpRequest"}, "Accept": {"application/json, text/javascript;q=0.9, */*;q=0.5"}, "User-Agent": {"sse_bridge"},
	}
	for _, c := range []struct {
		name  string
		lines []string
		and   http.Header
	}{
		{"no edits", nil, nil},
		{"an edit adds", []string{"header_up X-Key {http.request.header.X-Api-Key}"}, http.Header{"X-Key": {"canary"}}},
		{"an edit sets", []string{"header_up User-Agent mine"}, http.Header{"User-Agent": {"mine"}}},
		{"an edit deletes", []string{"header_up -Authorization"}, http.Header{"Authorization": nil}},
		{"cookies by name", []string{"cookies theme"}, http.Header{"Cookie": {"theme=dark"}}},
		{"no cookies", []string{"cookies"}, http.Header{"Cookie": nil}},
	} {
		p := Accept(t, testplan.Of(t, c.lines...), testsite.ClientRequest("GET", "/poll", "", func(r *http.Request) { r.Header = testsite.Nosy() }))
		expected := want.Clone()
		for name, values := range c.and {
			if expected[name] = values; values == nil {
				delete(expected, name)
			}
		}
		if got := build(t, p, askFrom()).Header; !maps.EqualFunc(got, expected, slices.Equal) {
			t.Errorf("%s: got %v, want %v", c.name, got, expected)
		}
	}
}

// Whole URIs in templates must not let a client's event id in by another door.
func TestTheEventIDIsInNoPlaceholder(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"rewrite {uri}", "rewrite /x?{query}", "rewrite /x{?query}", "rewrite {orig_uri}", "header_up X-URI {uri}", "query back {uri}",
		"query back {http.request.uri_escaped}", "query back {http.request.uri.query_escaped}", "body {query}",
		`body "{\"q\":\"{http.request.orig_uri.query}\"}"`, "header_up X-Query {orig_?query}",
	} {
		plan := testplan.Of(t, line)
		one, two := Accept(t, plan, testsite.ClientRequest("GET", "/a?x=1", "")), Accept(t, plan, testsite.ClientRequest("GET", "/a?lastEventID=canary&x=1", ""))
		if one.Key != two.Key {
			t.Errorf("%s: a client that returns gets another feed", line)
		}
		r := build(t, two, askFrom())
		body, _ := io.ReadAll(r.Body)
		if got := r.RequestURI + r.Header.Get("X-URI") + r.Header.Get("X-Query") + string(body); strings.Contains(got, "canary") {
			t.Errorf("%s: the event id goes upstream: %s", line, got)
		}
	}
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "body a=1"} {
		plan := testplan.Of(t, line)
		if p := Accept(t, plan, testsite.ClientRequest("POST", "/", strings.Repeat("a", 1<<20))); line == "" && len(p.Said.Body) != 1<<20 {
			t.Errorf("%d bytes are kept", len(p.Said.Body))
		}
		_, err := NewRequest(plan, testsite.ClientRequest("POST", "/", strings.Repeat("a", 1<<20+1)))
		var failed caddyhttp.HandlerError
		if !errors.As(err, &failed) || failed.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(err.Error(), "1 MiB") {
			t.Errorf("%q: got %v, want 413 and the limit", line, err)
		}
	}
}

func TestAMethodThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	_, err := NewRequest(testplan.Of(t, "method {http.request.header.X-Method}"), testsite.ClientRequest("GET", "/", "", testsite.Header("X-Method", "GET /")))
	var failed caddyhttp.HandlerError
	if !errors.As(err, &failed) || failed.StatusCode != http.StatusBadRequest {
		t.Errorf("got %v, want 400", err)
	}
}

func TestPollsComeFromNobody(t *testing.T) {
	t.Parallel()
	p := Accept(t, testplan.Of(t), testsite.ClientRequest("GET", "https://example.com/a", "", testsite.WithVar("root", "/srv"), testsite.WithVar(caddyhttp.ClientIPVarKey, "203.0.113.9")))
	got := build(t, p, askFrom())
	if got.RemoteAddr != "0.0.0.0:0" || caddyhttp.GetVar(got.Context(), caddyhttp.ClientIPVarKey) != "0.0.0.0" {
		t.Errorf("the poll comes from %s", got.RemoteAddr)
	}
	if got.TLS == nil || !got.TLS.HandshakeComplete {
		t.Error("the poll does not look like https, or like a handshake under way, which reverse_proxy tells the backend")
	}
	if caddyhttp.GetVar(got.Context(), "root") != "/srv" {
		t.Error("the operator's vars are lost")
	}
	if got.Body == nil || got.ContentLength != 0 || got.URL.Host != "" {
		t.Errorf("body %v of %d bytes", got.Body, got.ContentLength)
	}
	original := got.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	original.URL.Path = "/changed"
	got.URL.Path = "/changed too"
	if again := build(t, p, askFrom()); again.URL.Path != "/a" || build(t, Accept(t, testplan.Of(t), testsite.ClientRequest("GET", "/a", "")), askFrom()).TLS != nil {
		t.Error("polls share what handlers edit")
	}
}

func TestTheJarGoesBeforeTheClientsCookies(t *testing.T) {
	t.Parallel()
	p := Accept(t, testplan.Of(t, "rewrite /api/poll"), testsite.ClientRequest("GET", "/events", "", testsite.Header("Cookie", "sid=client; a=1", "b=2")))
	ask := askFrom()
	ask.Session.Jar.SetCookies(&url.URL{Scheme: "http", Host: "example.com", Path: "/api/poll"}, []*http.Cookie{
		{Name: "sid", Value: "upstream", Path: "/api"},
		{Name: "quoted", Value: "x y", Quoted: true, Path: "/"},
		{Name: "elsewhere", Value: "1", Path: "/events"},
		{Name: "sid", Value: "of the root", Path: "/", Quoted: true},
	})
	if got := build(t, p, ask).Header.Values("Cookie"); !slices.Equal(got, []string{`sid=upstream; quoted="x y"; sid="of the root"; a=1; b=2`}) {
		t.Errorf("got %q", got)
	}
}

func Accept(t testing.TB, plan *config.Plan, r *http.Request) *Request {
	t.Helper()
	p, err := NewRequest(plan, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
