package upstream

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// A session keeps where its last poll went, which must not be where the next one goes if that differs in anything.
func TestEachPollOfASessionGoesWhereItsOwnPositionLeads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lines string
		want  []string // from 5, from 5, from 6, with another session, and from nowhere
	}{
		{sends + "query since {sse.cursor}", []string{"/p?x=1&since=5", "/p?x=1&since=5", "/p?x=1&since=6", "/p?x=1&since=6", "/p?x=1"}},
		{sends + "rewrite /at/{sse.cursor}", []string{"/at/5?x=1", "/at/5?x=1", "/at/6?x=1", "/at/6?x=1", "/p?x=1"}},
		{"query n {sse.seq}", []string{"/p?x=1&n=0", "/p?x=1&n=1", "/p?x=1&n=2", "/p?x=1&n=3", "/p?x=1&n=4"}},
		{"rewrite /{sse.count}", []string{"/0?x=1", "/10?x=1", "/20?x=1", "/30?x=1", "/40?x=1"}},
		{"query s {sse.id}", []string{"/p?x=1&s=chain", "/p?x=1&s=chain", "/p?x=1&s=chain", "/p?x=1&s=other", "/p?x=1&s=other"}},
		{
			"open {\nrewrite /open\ncursor sid sid\n}\n" + sends + "query sid {sse.cursor.sid}\nquery since {sse.cursor}",
			[]string{"/p?x=1&since=5", "/p?x=1&since=5", "/p?x=1&since=6", "/p?x=1&sid=b&since=6", "/p?x=1&sid=b"},
		},
	} {
		p := Accept(t, testplan.Of(t, test.lines), testsite.ClientRequest("GET", "/p?x=1", ""))
		ask := askFrom("5")
		cursor := make(position.Cursor, len(p.Plan.CursorNames))
		at := func(text string) {
			for i, name := range p.Plan.CursorNames {
				if cursor[i] = ""; name == "" {
					cursor[i] = text
				}
			}
			ask.From.Cursor = cursor
		}
		for i, want := range test.want {
			ask.Number, ask.Count = i, 10*i
			switch i {
			case 0:
				at("5")
			case 2:
				at("6")
			case 3:
				ask.Session.ID, ask.Session.Opened = "other", map[string]string{"sid": "b"}
			case 4:
				at("")
			}
			r := build(t, p, ask)
			if got := r.URL.RequestURI(); got != want || r.RequestURI != want {
				t.Errorf("%q: poll %d goes to %s, %s, want %s", test.lines, i, got, r.RequestURI, want)
			}
			if original := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); original.RequestURI != want || original.URL.RequestURI() != want {
				t.Errorf("%q: poll %d takes %s for the original URL, want %s", test.lines, i, original.RequestURI, want)
			}
			original := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
			r.URL.Path, r.URL.RawQuery, original.URL.Path = "/changed", "by=handlers", "/changed"
		}
	}
}

func TestAJarIsMadeForItsFirstCookie(t *testing.T) {
	t.Parallel()
	p := Accept(t, testplan.Of(t), testsite.ClientRequest("GET", "/p", ""))
	ask := askFrom()
	jar := new(lateJar)
	ask.Session.Jar = jar
	r := build(t, p, ask)
	jar.SetCookies(p.Absolute(r.URL, r.Header), nil)
	if got := r.Header.Get("Cookie"); got != "" || jar.jar != nil {
		t.Errorf("without a cookie, the poll has %q, and there is a jar: %t", got, jar.jar != nil)
	}
	jar.SetCookies(p.Absolute(r.URL, r.Header), []*http.Cookie{{Name: "a", Value: "1"}})
	if got := build(t, p, ask).Header.Get("Cookie"); got != "a=1" {
		t.Errorf("the poll has %q", got)
	}
}
