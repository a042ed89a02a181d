package cli

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// reports keeps what became of polls.
type reports []*trial.Report

func (r *reports) Write(one *trial.Report) error { *r = append(*r, one); return nil }

func (r *reports) Waiting(time.Duration) {}

func TestTryEndsWithTheReportOfARefusalThatHasEndedTheStream(t *testing.T) {
	plan := testplan.Of(t)
	synctest.Test(t, func(t *testing.T) {
		var out reports
		a := &attempt{out: &out, stop: func() {}}
		p, err := upstream.NewRequest(plan, testsite.ClientRequest("GET", "/", ""))
		if err != nil {
			t.Fatal(err)
		}
		a.Begin(p)
		a.note(exchanged{asked: httptest.NewRequest(http.MethodGet, "/", nil), response: &page.Response{Status: http.StatusUnauthorized}})
		go func() {
			<-time.After(time.Second)
			a.Polled(feed.Polled{Ask: feed.Ask{Session: new(feed.Session)}, Err: &page.Refusal{Status: http.StatusUnauthorized}, Over: true})
		}()
		a.settle(t.Context())
		if len(out) != 1 {
			t.Errorf("%d reports", len(out))
		}
	})
}

func TestFlagsAreTheWordsOfACaddyfile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, given, want string }{
		{"query", `lastId={sse.cursor}`, `query lastId {sse.cursor}`},
		{"query", `lastId {sse.cursor}`, `query lastId {sse.cursor}`},
		{"query", `q=a "b" c`, "query q `a \"b\" c`"},
		{"query", `since={sse.cursor+1}`, `query since {sse.cursor+1}`},
		{"query", `q "a=b"`, `query q "a=b"`},
		{"query", `-lastId`, `query -lastId`},
		{"header_up", `X-Since: {sse.cursor}`, `header_up X-Since {sse.cursor}`},
		{"header_up", `X-Since "a b"`, `header_up X-Since "a b"`},
		{"cursor", `last_seq`, `cursor last_seq`},
		{"cursor", `seq=last_seq`, `cursor seq last_seq`},
		{"cursor", `=0`, `cursor =0`},
		{"items", `a b`, "items `a b`"},
		{"items", `"a b"`, `items "a b"`},
		{"items", `rows.#(kind=="x")#`, "items `rows.#(kind==\"x\")#`"},
		{"jq", `.a[] | {id, data: .}`, "jq `.a[] | {id, data: .}`"},
		{"body", `{"since":{sse.cursor}}`, "body `{\"since\":{sse.cursor}}`"},
		{"cookies", ``, `cookies`},
		{"long_poll", `25s`, `long_poll 25s`},
		{"stream", ``, `stream`},
		{"stream", `0`, `stream 0`},
		{"interval", `2s 1m`, `interval 2s 1m`},
	} {
		f := caddyfileOf(&url.URL{Scheme: "http", Host: "localhost:1"}, false, func(name string) []string {
			if name == c.flag {
				return []string{c.given}
			}
			return nil
		})
		if !strings.Contains(f.text.String(), "\n\t\t"+c.want+"\n") {
			t.Errorf("--%s %s becomes\n%s\nwithout %s", c.flag, c.given, f.text.String(), c.want)
		}
	}
}

// TestEachSubdirectiveHasAFlag holds the list of flags against that of the subdirectives.
func TestEachSubdirectiveHasAFlag(t *testing.T) {
	t.Parallel()
	const without = " name notify notices keepalive retry lifetime cors limits upstream " + // of clients
		"cluster " + // of other nodes
		"beat " // a block behind an argument
	has := make(map[string]bool)
	for _, f := range tryFlags() {
		has[f.Name] = true
	}
	for _, name := range config.NamesOf(func(config.Subdirective) bool { return true }) {
		if has[name] == strings.Contains(without, " "+name+" ") {
			t.Errorf("%s has a flag: %t", name, has[name])
		}
	}
}
