package upstream

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// follows are the lines of a block whose cursor may lead to two more hosts.
const follows = "items value\ncursor next\nrewrite {sse.cursor}\nhosts eu.example us.example:8443\n"

func TestAnErrorHasNothingOfACursorThatIsAURLButItsHost(t *testing.T) {
	t.Parallel()
	p := Accept(t, testplan.Behind(t, "reverse_proxy https://api.example", follows), testsite.ClientRequest("GET", "/me/delta", ""))
	for _, cursor := range []string{
		"/me/%zz?token=s3cr3t", "/me/s3cr3t", "https://eu.example:s3cr3t/", "https://s3cr3t@eu.example/", "https://evil.example/?token=s3cr3t", "https://eu.example/\x7fs3cr3t",
	} {
		_, _, err := p.leadsTo(&url.URL{Path: "/me/delta"}, cursor)
		if err == nil || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "%zz") {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

func TestACursorLeadsToListedHosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ upstream, cursor, want string }{
		{"reverse_proxy localhost:9000", "https://eu.example/other?t=1", "https://eu.example/other?t=1"},
		{"reverse_proxy localhost:9000", "https://EU.example:443/", "https://eu.example/"},
		{"reverse_proxy localhost:9000", "http://eu.example", "http://eu.example/"},
		{"reverse_proxy localhost:9000", "//eu.example/a%2Fb", "http://eu.example/a%2Fb"},
		{"reverse_proxy localhost:9000", "eu.example/wh123", "http://eu.example/wh123"},
		{"reverse_proxy localhost:9000", "us.example:8443/wh123", "http://us.example:8443/wh123"},
		{"reverse_proxy localhost:9000", "https://us.example:8443/x", "https://us.example:8443/x"},
		{"reverse_proxy https://api.example", "eu.example/wh123", "https://eu.example/wh123"},
		{"reverse_proxy https://api.example", "https://eu.example/x", "https://eu.example/x"},
		{"reverse_proxy https://api.example", "http://eu.example/x", ""},
		{"reverse_proxy https://api.example", "https://us.example/x", ""},
		{"reverse_proxy https://api.example", "https://us.example:443/x", ""},
		{"reverse_proxy https://api.example", "https://eu.example:8443/x", ""},
		{"reverse_proxy https://api.example", "ftp://eu.example/x", ""},
		{"reverse_proxy https://api.example", "https://me:secret@eu.example/x", ""},
		{"reverse_proxy https://api.example", "https://eu.example/a/../b", "https://eu.example/b"},
		{"reverse_proxy https://api.example", "https://eu.example/%2e%2e/b", ""},
		{"reverse_proxy https://api.example", "https://eu.example.evil.example/x", ""},
		{"reverse_proxy https://api.example", "https://evil.example/me/delta", ""},
		{"reverse_proxy https://api.example", "https://evil.example\\@eu.example/x", ""},

		{"reverse_proxy https://api.example", "https://api.example/me/delta?t=1", "http://example.com/me/delta?t=1"},
		{"reverse_proxy https://api.example", "https://example.com/me/delta/2", "http://example.com/me/delta/2"},
		{"reverse_proxy https://api.example", "?t=1", "http://example.com/me/delta?t=1"},
		{"reverse_proxy https://api.example", "https://api.example/admin", ""},
		{"reverse_proxy https://api.example", "/eu.example/x", ""},
	} {
		p := Accept(t, testplan.Behind(t, c.upstream, follows), testsite.ClientRequest("GET", "/me/delta?a=b", ""))
		if asked := p.Asks(position.Position{Cursor: []string{c.cursor}}); asked != (c.want != "") {
			t.Errorf("%s at %q: a client's id: %t", c.upstream, c.cursor, asked)
		}
		if c.want == "" {
			continue
		}
		ask := askFrom(c.cursor)
		at := p.For(ask)
		r := build(t, at, ask)
		if got := at.Absolute(r.URL, r.Header).String(); got != c.want || r.RequestURI != r.URL.RequestURI() {
			t.Errorf("%s at %q leads to %s, want %s", c.upstream, c.cursor, got, c.want)
		}
	}
}

func TestNothingOfTheClientGoesToAnotherHost(t *testing.T) {
	t.Parallel()
	plan := testplan.Behind(t, "reverse_proxy localhost:9000 {\nheader_up X-Mine {header.X-Api-Key}\n}", follows+"header_up X-Key mine\nquery key 1")
	p := Accept(t, plan, testsite.ClientRequest("POST", "/me/delta?token=secret", "secret", func(r *http.Request) {
		r.Header = testsite.Nosy()
		r.Header.Set("Content-Type", "text/plain")
	}))
	ask := askFrom("https://eu.example/x?t=1")
	ask.Session.Jar.SetCookies(&url.URL{Scheme: "https", Host: "eu.example"}, []*http.Cookie{{Name: "kept", Value: "1"}})
	r := build(t, p.For(ask), ask)
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) > 0 {
		t.Errorf("the body is %q, %v", body, err)
	}
	if r.Host != "eu.example" || r.RequestURI != "/x?t=1&key=1" {
		t.Errorf("it goes to %s%s", r.Host, r.RequestURI)
	}
	want := []string{"Accept", "Accept-Language", "User-Agent", "X-Key", "X-Requested-With"}
	var got []string
	for name := range r.Header {
		got = append(got, name)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the fields are %q, want %q", got, want)
	}

	own := askFrom("https://localhost:9000/me/delta")
	if r := build(t, p.For(own), own); r.Header.Get("Authorization") == "" || r.Header.Get("Cookie") == "" {
		t.Errorf("the block's own host gets %v", r.Header)
	}
}

func TestPollsOfTwoHostsAreAtTwoPositions(t *testing.T) {
	t.Parallel()
	p := Accept(t, testplan.Of(t, follows), testsite.ClientRequest("GET", "/", ""))
	eu, us := askFrom("https://eu.example/x"), askFrom("https://us.example:8443/x")
	if eu.From.ID() == us.From.ID() {
		t.Errorf("both are %s", eu.From.ID())
	}
	if a, b := p.For(eu).which, p.For(us).which; a == b || a == KindPoll || b == KindPoll {
		t.Errorf("the kinds are %d and %d", a, b)
	}
}
