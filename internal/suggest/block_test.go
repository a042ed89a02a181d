package suggest

import (
	"context"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestAQuotedTextIsReadAsItIs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", "a b", "{", "}", "a{", "{}", `\`, `\"`, "#a", "a#b", `"a"`, "`", "a`\\d", "x`y\"z", "<<", "<<EOF", "a\nb", `a\ b`} {
		tokens, err := caddyfile.Tokenize([]byte("x "+Quote(text)+"\ny"), "test")
		if err != nil || len(tokens) != 3 || tokens[1].Text != text {
			t.Errorf("%q is written %s, and read %v, %v", text, Quote(text), tokens, err)
		}
	}
}

func TestABlockMatchesThePathOfItsURL(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"http://h/a", "http://h/A/b/", "http://h/ä b", "http://h/a%2Fb", "http://h/a*b", "http://h/a%3Fb", "http://h/a[1]", "http://h/a%5B1%5D", "http://h/a%2Fb[1]",
		"http://h/a/{id}", "http://h/a/%7Bid%7D", "http://h/a%5Cb", "http://h/100%25", "http://h/a%0Ab", "http://h/%FF", "http://h/Sites('a')/x",
	} {
		r, err := http.NewRequest(http.MethodGet, target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		matcher := caddyhttp.MatchPath{newBlock(&Endpoint{URL: r.URL}).Path}
		if err := matcher.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddyhttp.NewTestReplacer(r)))
		if matches, err := matcher.MatchWithError(r); err != nil || !matches {
			t.Errorf("%s does not match %s: %v", matcher[0], target, err)
		}
	}
}

// TestAHostMayHaveTheNameOfASubdirective has one that Caddy would take for it.
func TestAHostMayHaveTheNameOfASubdirective(t *testing.T) {
	t.Parallel()
	block, _, err := blockFor(t, "http://stream/news", func(*http.Request) *http.Response { return says(200, `{"a":1}`) })
	if err != nil {
		t.Fatal(err)
	}
	if !hasLine(block, "sse_bridge /news stream:80 {") {
		t.Errorf("got\n%s", block)
	}
}
