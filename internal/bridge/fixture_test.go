package bridge

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// bridgeOf returns a bridge whose upstream is a handler.
func bridgeOf(t testing.TB, backend http.HandlerFunc, lines ...string) *Bridge {
	t.Helper()
	b := New(testplan.Of(t, lines...))
	answers := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		backend(w, r)
		return nil
	})
	i := &Instance{Logger: zap.NewNop(), Routes: map[upstream.Kind]caddyhttp.Handler{upstream.KindPoll: answers, 1: answers, 2: answers}}
	b.server.Store(&caddyhttp.Server{})
	b.Add(i)
	b.Started(i)
	t.Cleanup(func() {
		if err := b.Destruct(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newTestBridge(t *testing.T, fields string) *Bridge {
	t.Helper()
	plan, err := testplan.JSON(t, fields).Compile()
	if err != nil {
		t.Fatal(err)
	}
	return New(plan)
}

func requestOf(t testing.TB, plan *config.Plan, r *http.Request) *upstream.Request {
	t.Helper()
	p, err := upstream.NewRequest(plan, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
