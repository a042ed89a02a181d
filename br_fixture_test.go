package ssebridge

import (
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// bridgeOf returns a bridge whose upstream is a handler.
func bridgeOf(t *testing.T, upstream http.HandlerFunc, lines ...string) *bridge {
	t.Helper()
	b := newBridge(planOf(t, lines...))
	answers := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		upstream(w, r)
		return nil
	})
	i := &instance{logger: zap.NewNop(), routes: [...]caddyhttp.Handler{answers, answers, answers}}
	b.server.Store(&caddyhttp.Server{})
	b.add(i)
	b.started(i)
	t.Cleanup(func() {
		if err := b.Destruct(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newTestBridge(t *testing.T, fields string) *bridge {
	t.Helper()
	plan, err := configured(t, fields).compile()
	if err != nil {
		t.Fatal(err)
	}
	return newBridge(plan)
}

func requestOf(t testing.TB, plan *compiled, r *http.Request) *pollRequest {
	t.Helper()
	p, err := newPollRequest(plan, r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
