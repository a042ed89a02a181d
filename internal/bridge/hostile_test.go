package bridge

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// mutated returns an event id made of one that is good by what attackers do to ids.
func mutated(random *rand.Rand) string {
	parts := []string{
		"42", "0~3.Zok5TkMq", "a,b", "!abc", "%", "%0d%0aX-Evil: 1", "\r\nX-Evil: 1", "\n\nevent: evil\ndata: x", "&admin=1", "#", "?", "=", ";", "/../", "/", "\\", "..", "%2e%2e%2f",
		"{env.HOME}", "{sse.cursor}", "{http.request.header.Authorization}", "\x00", "\xff\xfe", "\u2028", "\"}", `{"a":`, "'", "<", "http://evil.example/", "//evil.example", "~", "!", ",", " ", "+", "%zz",
		"18446744073709551616", "-1", "1e9", "null", strings.Repeat("A", 3000),
	}
	var b strings.Builder
	for range 1 + random.IntN(2) {
		part := parts[random.IntN(len(parts))]
		if random.IntN(3) == 0 {
			raw := []byte(part)
			raw[random.IntN(len(raw))] = byte(random.IntN(256))
			part = string(raw)
		}
		b.WriteString(part)
	}
	return b.String()
}

func TestMutatedEventIDsStayValuesOfTheirOwnFeed(t *testing.T) {
	control := func(text string) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
	}
	for _, test := range []struct {
		name  string
		lines []string
		check func(r *http.Request, body string) (id string, isValue bool) // where the id came, and whether as nothing but a value
	}{
		{"in the query", []string{"query since {sse.cursor}"}, func(r *http.Request, _ string) (string, bool) {
			q, err := url.ParseQuery(r.URL.RawQuery)
			others := len(q)
			if q.Has("since") {
				others--
			}
			return q.Get("since"), err == nil && r.URL.Path == "/feed" && len(q["since"]) <= 1 && others == 1 && q.Get("own") == "1" && !strings.ContainsAny(r.RequestURI, "# ")
		}},
		{"in the path", []string{"rewrite /feed/{sse.cursor}/news"}, func(r *http.Request, _ string) (string, bool) {
			if r.RequestURI == "/feed?own=1" {
				return "", true
			}
			path, found := strings.CutPrefix(r.URL.EscapedPath(), "/feed/")
			path, tail := strings.CutSuffix(path, "/news")
			return path, found && tail && !strings.ContainsAny(path, "/?# ") && path != ".." && r.URL.RawQuery == "own=1"
		}},
		{"in the header", []string{"header_up X-Since {sse.cursor}"}, func(r *http.Request, _ string) (string, bool) {
			id := r.Header.Get("X-Since")
			for name := range r.Header {
				if !slices.Contains([]string{"Accept", "Accept-Encoding", "Authorization", "User-Agent", "X-Requested-With", "X-Since"}, name) {
					return id, false
				}
			}
			return id, len(r.Header.Values("X-Since")) <= 1 && r.RequestURI == "/feed?own=1"
		}},
		{"in the body", []string{"method POST", `body {"since":"{sse.cursor}"}`}, func(r *http.Request, body string) (string, bool) {
			var value map[string]string
			if body != "" && (json.Unmarshal([]byte(body), &value) != nil || len(value) != 1) {
				return body, false
			}
			return value["since"], r.RequestURI == "/feed?own=1"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			asked := 0
			b := bridgeOf(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				id, isValue := test.check(r, string(body))
				lines := append(slices.Concat(slices.Collect(maps.Values(r.Header))...), r.RequestURI)
				if test.name != "in the body" {
					lines = append(lines, id)
				}
				if !isValue || slices.ContainsFunc(lines, control) && test.name != "in the query" || control(r.RequestURI) {
					t.Errorf("the upstream got %s %s %q %q", r.Method, r.RequestURI, r.Header, body)
				}
				if id != "" {
					asked++
				}
				fmt.Fprintf(w, `{"items":[{"id":"next","who":%q}]}`, r.Header.Get("Authorization"))
			}, append(test.lines, "interval 1h", "items items", "id id")...)
			ids := testsite.Soak(250, 2500)
			for i := range ids {
				id, who := mutated(random), fmt.Sprintf("client %d;", i)
				reader, _, err := b.join(requestOf(t, b.plan, testsite.ClientRequest("GET", "/feed?own=1", "", testsite.Header("Authorization", who), testsite.Header("Last-Event-ID", id))))
				if err != nil {
					t.Fatal(err)
				}
				// a path with a segment of dots is not asked for, which is a failed poll
				for text := ""; !strings.Contains(text, "who") && !strings.HasPrefix(text, ": "); {
					batch, err := reader.Next()
					if err != nil {
						t.Fatalf("%q: %v", id, err)
					}
					text = string(batch)
					if strings.Contains(text, "who") && !strings.Contains(text, `"`+who+`"`) || strings.Contains(text, "\nevent: evil") {
						t.Errorf("%q: got %q", id, text)
					}
				}
				reader.Close()
			}
			t.Logf("%d of %d ids were asked for", asked, ids)
			if asked < ids/5 {
				t.Error("too few ids are ids for this to tell anything")
			}
		})
	}
}
