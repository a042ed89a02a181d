package upstream

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// answers are the routes of an upstream that is one handler.
type answers struct {
	handler caddyhttp.Handler
	server  *caddyhttp.Server
}

func (a answers) Routes(Kind) caddyhttp.Handler   { return a.handler }
func (a answers) NewestServer() *caddyhttp.Server { return a.server }
func (a answers) LoggerOf(*Request) *zap.Logger   { return zap.NewNop() }

// BenchmarkQuietPoll makes the polls of one private feed whose upstream has no news: what a poll costs beside the
// upstream's handlers and the feed.
func BenchmarkQuietPoll(b *testing.B) {
	r := testsite.ClientRequest(http.MethodGet, "http://a.test/polls?room=1", "", testsite.Header("Authorization", "Bearer 1"))
	p, err := NewRequest(testplan.Of(b, "interval 1s", "items items", "cursor cursor", "query since {sse.cursor}"), r)
	if err != nil {
		b.Fatal(err)
	}
	quiet := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, `{"items":[],"cursor":"5"}`)
		return err
	})
	poll := NewPoller(answers{quiet, new(caddyhttp.Server)}, 1).Poll(p)
	ask := feed.Ask{From: position.Position{Cursor: position.Cursor{"5"}}, Chain: "chain", Session: &feed.Session{Jar: NewJar()}}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if p, err := poll(ctx, ask); err != nil || p.News {
			b.Fatal(p, err)
		}
		ask.Number++
	}
}
