package upstream

import (
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestOnlyTheLastOfWhatATrustedProxySaysCounts(t *testing.T) {
	t.Parallel()
	keyOf := func(changes ...testsite.Change) Key {
		return Accept(t, testplan.Of(t), testsite.ClientRequest("GET", "/a", "", changes...)).Key
	}
	trusted := testsite.WithVar(caddyhttp.TrustedProxyVarKey, true)
	proto := func(lines ...string) testsite.Change { return testsite.Header("X-Forwarded-Proto", lines...) }
	none := keyOf()
	for name, same := range map[string]bool{
		"untrusted": keyOf(proto("https")) == none, "trusted, empty": keyOf(trusted, proto("")) == none, "trusted, none": keyOf(trusted) == none,
		"the last line": keyOf(trusted, proto("http", "https")) == keyOf(trusted, proto("https")), "X-Forwarded-For": keyOf(trusted, testsite.Header("X-Forwarded-For", "203.0.113.9")) == none,
	} {
		if !same {
			t.Errorf("%s: it divides a feed", name)
		}
	}
	if keyOf(trusted, proto("https")) == none || keyOf(trusted, testsite.Header("X-Forwarded-Host", "a")) == none {
		t.Error("what a trusted proxy says is not in the key")
	}
}

func TestTheOriginOfAPollIsThatOfTheProxyInFront(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ proto, host, want string }{
		{"", "", "http://example.com/a"},
		{"https", "", "https://example.com/a"},
		{"HTTPS", "shop.example:8443", "https://shop.example:8443/a"},
		{"https, http", "a.example, b.example", "http://example.com/a"},
		{"gopher", "a/b", "http://example.com/a"},
		{"", "user@a.example", "http://example.com/a"},
	} {
		p := Accept(t, testplan.Of(t), testsite.ClientRequest("GET", "/a", "", testsite.WithVar(caddyhttp.TrustedProxyVarKey, true), testsite.Header("X-Forwarded-Proto", c.proto), testsite.Header("X-Forwarded-Host", c.host)))
		r := build(t, p, feed.Ask{Session: askFrom().Session})
		if got := p.Absolute(r.URL, r.Header).String(); got != c.want {
			t.Errorf("%q of %q: got %s, want %s", c.proto, c.host, got, c.want)
		}
	}
}
