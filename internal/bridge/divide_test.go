package bridge

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// divided returns what is said of feeds whose clients send the requests.
func divided(t *testing.T, plan *config.Plan, known []upstream.PartKind, requests ...*http.Request) *observer.ObservedLogs {
	t.Helper()
	core, log := observer.New(zap.DebugLevel)
	d := newDividers(known...)
	for _, r := range requests {
		d.add(requestOf(t, plan, r).Said, zap.New(core))
	}
	return log
}

func TestWhatAloneKeepsFeedsApartIsNamedOnce(t *testing.T) {
	t.Parallel()
	nth := func(target string, changes func(n int) []testsite.Change) (requests []*http.Request) {
		for n := range 5 {
			requests = append(requests, testsite.ClientRequest("GET", strings.ReplaceAll(target, "N", strconv.Itoa(n)), "", changes(n)...))
		}
		return requests
	}
	secret := func(n int) string { return fmt.Sprint("secret", n) }
	none := func(int) []testsite.Change { return nil }
	for _, c := range []struct {
		name, lines string
		requests    []*http.Request
		known       []upstream.PartKind
		want        string
	}{
		{name: "one cookie", requests: nth("/a", func(n int) []testsite.Change {
			return []testsite.Change{testsite.Header("Cookie", "theme=dark; sid="+secret(n))}
		}), want: "cookies [sid]"},
		{name: "cookies, which are known", known: []upstream.PartKind{upstream.PartCookie}, requests: nth("/a", func(n int) []testsite.Change { return []testsite.Change{testsite.Header("Cookie", "sid="+secret(n))} })},
		{name: "a header", requests: nth("/a", func(n int) []testsite.Change { return []testsite.Change{testsite.Header("Accept-Language", secret(n))} }), want: "headers [Accept-Language]"},
		{name: "a var", requests: nth("/a", func(n int) []testsite.Change {
			return []testsite.Change{testsite.WithVar("csp_nonce", secret(n)), testsite.WithVar("root", "/srv")}
		}), want: "vars [csp_nonce]"},
		{name: "a cookie and a var", requests: nth("/a", func(n int) []testsite.Change {
			return []testsite.Change{testsite.Header("Cookie", "sid="+secret(n)), testsite.WithVar("csp_nonce", secret(n))}
		}), want: "cookies [sid] vars [csp_nonce]"},
		{name: "a parameter", requests: nth("/a?room=1&_=secretN", none), want: "query [_]"},
		{name: "two requests that differ in a parameter", requests: nth("/a?room=secretN", none)[:2]},
		{name: "two parameters", requests: nth("/a?room=secretN&_=secretN", none)},
		{name: "a parameter and a cookie", requests: nth("/a?room=secretN", func(n int) []testsite.Change { return []testsite.Change{testsite.Header("Cookie", "sid="+secret(n))} })},
		{name: "a token without a name", requests: nth("/a?secretN", none), want: "query []"},
		{name: "the path", requests: nth("/secretN", none)},
		{name: "what the block asks for", lines: "header_up X-Who {header.X-Who}", requests: nth("/a", func(n int) []testsite.Change { return []testsite.Change{testsite.Header("X-Who", secret(n))} })},
		{name: "a header, with a step", lines: "open {\nrewrite /b\ncursor s s\n}\nquery s {sse.cursor.s}", requests: nth("/a", func(n int) []testsite.Change { return []testsite.Change{testsite.Header("Accept-Language", secret(n))} }), want: "headers [Accept-Language]"},
	} {
		log := divided(t, testplan.Of(t, c.lines), c.known, c.requests...)
		var got []string
		for _, line := range log.All() {
			if line.Level != zapcore.WarnLevel || !strings.HasPrefix(line.Message, "feeds differ only in ") {
				t.Errorf("%s: %v %s", c.name, line.Level, line.Message)
			}
			fields := line.ContextMap()
			for _, kind := range slices.Sorted(maps.Keys(fields)) {
				got = append(got, fmt.Sprint(kind, " ", fields[kind]))
			}
		}
		said := strings.Join(got, " ")
		if said != c.want {
			t.Errorf("%s: it is said %q, want %q", c.name, said, c.want)
		}
		if strings.Contains(fmt.Sprint(log.All()), "secret") {
			t.Errorf("%s: a value is told: %v", c.name, log.All())
		}
	}
}

func TestTheBodyOfARequestKeepsFeedsApart(t *testing.T) {
	t.Parallel()
	log := divided(t, testplan.Of(t), nil, testsite.ClientRequest("POST", "/a", "one"), testsite.ClientRequest("POST", "/a", "two"))
	if log.Len() != 1 || !strings.Contains(log.All()[0].Message, "the body of the clients' requests") {
		t.Errorf("got %v", log.All())
	}
}

func TestFeedsThatAreGoneAreComparedWithNone(t *testing.T) {
	t.Parallel()
	core, log := observer.New(zap.DebugLevel)
	d, plan := newDividers(), testplan.Of(t)
	for n := range 2 * maxCompared {
		s := requestOf(t, plan, testsite.ClientRequest("GET", "/a", "", testsite.Header("Cookie", fmt.Sprint("sid=", n)))).Said
		d.add(s, zap.New(core))
		d.drop(s)
	}
	if log.Len() != 0 || len(d.newest) != 0 {
		t.Errorf("%d lines, %d URLs", log.Len(), len(d.newest))
	}
}
