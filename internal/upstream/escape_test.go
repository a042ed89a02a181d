package upstream

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestQueriesKeepTheSpellingOfWhatIsNotNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, name, set, drop string }{
		{"", "a", "a=1", ""},
		{"a=0", "a", "a=1", ""},
		{"b=%7e&&c&=d&e=f=g;h", "a", "b=%7e&&c&=d&e=f=g;h&a=1", "b=%7e&&c&=d&e=f=g;h"},
		{"%61=0&a&b=2&a=3", "a", "b=2&a=1", "b=2"},
		{"a%5B%5D=0&a[]=1&a=2", "a[]", "a=2&a%5B%5D=1", "a=2"},
		{"a%zz=0&b=2", "a%zz", "b=2&a%25zz=1", "b=2"},
	} {
		if got := setQuery(c.query, c.name, "1"); got != c.set {
			t.Errorf("setting %s in %s: got %s, want %s", c.name, c.query, got, c.set)
		}
		if got := dropQuery(c.query, []string{c.name}); got != c.drop {
			t.Errorf("dropping %s from %s: got %s, want %s", c.name, c.query, got, c.drop)
		}
	}
}

func FuzzQueryEdits(f *testing.F) {
	f.Add("a=1&b=2", "a", "3")
	f.Add("a=1&%61=2&&=x&c", "a", "&b=9#{sse.cursor}\r\n")
	f.Add("x[]=1&x%5B%5D=2", "x[]", "é\xff%zz+")
	f.Fuzz(func(t *testing.T, query, name, text string) {
		before, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		before.Del(name)
		dropped, err := url.ParseQuery(dropQuery(query, []string{name}))
		if err != nil || len(dropped)+len(before) > 0 && !reflect.DeepEqual(dropped, before) {
			t.Fatalf("dropping %q from %q left %v, want %v (%v)", name, query, dropped, before, err)
		}
		set, err := url.ParseQuery(setQuery(query, name, text))
		before.Set(name, text)
		if err != nil || !reflect.DeepEqual(set, before) {
			t.Fatalf("setting %q to %q in %q made %v, want %v (%v)", name, text, query, set, before, err)
		}
	})
}

// FuzzCursorEscaping puts a cursor into every place that there is, and reads it back.
func FuzzCursorEscaping(f *testing.F) {
	plan := testplan.Of(f, "items a", "id id", "rewrite /p/{sse.cursor}/x?since={sse.cursor}&a=1", "query since2 {sse.cursor}",
		"header_up X-Since {sse.cursor}", `body {"since":"{sse.cursor}","a":1}`)
	for _, seed := range []string{"7", "../x", "a/b?c=d&a=2#e%2F", "\",\"a\":2,\"", "\r\nX-Admin: 1", "{env.HOME}", "é\xff\x00", "%2e%2e"} {
		f.Add(seed)
	}
	p := Accept(f, plan, testsite.ClientRequest("POST", "/", ""))
	f.Fuzz(func(t *testing.T, cursor string) {
		if cursor == "" {
			return
		}
		env := p.Env(askFrom(cursor))
		u, _, err := p.urls(env, true)
		if err != nil {
			if !climbs("/p/" + cursor + "/x") {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 4 || segments[1] != "p" || segments[3] != "x" || u.Path != "/p/"+cursor+"/x" {
			t.Errorf("the path is %s", u.EscapedPath())
		}
		query, err := url.ParseQuery(u.RawQuery)
		if want := (url.Values{"since": {cursor}, "since2": {cursor}, "a": {"1"}}); err != nil || !reflect.DeepEqual(query, want) {
			t.Errorf("the query is %v (%v)", query, err)
		}
		if again, err := url.ParseRequestURI(u.RequestURI()); err != nil || again.Path != u.Path || again.RawQuery != u.RawQuery {
			t.Errorf("a backend reads %s as %v (%v)", u.RequestURI(), again, err)
		}
		if h := headerValue(cursor); strings.ContainsAny(h, "\r\n\x00") || !strings.ContainsAny(cursor, "\r\n\x00") && strings.IndexFunc(cursor, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0 && h != cursor {
			t.Errorf("the header is %q", h)
		}
		text, _ := p.BuildBody(env)
		var body struct {
			Since string `json:"since"`
			A     int    `json:"a"`
		}
		if err := json.Unmarshal(text, &body); err != nil || body.Since != strings.ToValidUTF8(cursor, "\uFFFD") && body.Since != string([]rune(cursor)) || body.A != 1 {
			t.Errorf("the body is %s: %+v (%v)", text, body, err)
		}
	})
}
