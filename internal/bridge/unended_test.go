package bridge_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

func TestAPolledAnswerThatDoesNotEndIsNamed(t *testing.T) {
	t.Parallel()
	begun := testsite.Gzipped(strings.Repeat("a line\n", 100))
	begun = begun[:len(begun)-10]
	for _, c := range []struct {
		name, fields string
		begins       string
		encoding     string
		want         string // in the log; empty for nothing
	}{
		{"polled", `"interval": {"min": "2s"}`, "{\"id\":1}\n", "", "with 9 bytes, and has not ended within 30s: if it goes on, `stream` reads it"},
		{"held", `"long_poll": "60s"`, "{\"id\":1}\n", "", "with 9 bytes, and has not ended within 1m10s: if it goes on, `stream` reads it"},
		{"compressed", `"long_poll": "60s"`, string(begun), "gzip", "has not ended within 1m10s: if it goes on, `stream` reads it"},
		{"held with blanks", `"long_poll": "60s"`, "\n \n", "", ""},
		{"held with a head of gzip", `"long_poll": "60s"`, string(begun[:10]), "gzip", ""},
		{"held with a head", `"long_poll": "60s"`, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zapcore.WarnLevel)
				h := testbridge.New(testbridge.Bridge(t, c.fields+`, "id": "id", "order": "overlap"`))
				h.Instance.Logger = zap.New(core)
				h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
					if c.encoding != "" {
						w.Header().Set("Content-Encoding", c.encoding)
					}
					w.WriteHeader(http.StatusOK)
					_, _ = io.WriteString(w, c.begins)
					<-r.Context().Done()
					panic(http.ErrAbortHandler) // as reverse_proxy does
				})
				h.Bridge.Add(h.Instance)
				client := testbridge.Open(t, h, false)
				testbridge.Pass(75 * time.Second)
				client.Leave()
				testbridge.Pass(10 * time.Second)
				testbridge.End(t, h.Bridge)
				got := ""
				for _, entry := range logs.All() {
					if text, ok := entry.ContextMap()["error"].(string); ok {
						got = text
					}
				}
				if c.want == "" && logs.Len() > 0 || !strings.Contains(got, c.want) {
					t.Errorf("the log has %q, of %d lines, want %q", got, logs.Len(), c.want)
				}
			})
		})
	}
}
