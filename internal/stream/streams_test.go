package stream_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestTheClientsOfABridgeAreToldWhenToComeBack looks at what clients are told.
func TestTheClientsOfABridgeAreToldWhenToComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		end         func(h *testbridge.Standalone)
		least, most time.Duration
	}{
		"at exit":             {func(h *testbridge.Standalone) { h.Bridge.Streams.EndNow() }, config.DefaultRetry, config.DefaultRetry + stream.ExitSpread + stream.ExitWrite},
		"when it has changed": {func(h *testbridge.Standalone) { h.Bridge.Stopping(h.Instance) }, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testsite.NewChat(time.Minute)
				c.Say("one")
				h := testbridge.Chat(t, c)
				var clients []*testbridge.Client
				for range 200 {
					clients = append(clients, testbridge.Open(t, h, false))
				}
				testbridge.Pass(time.Second)
				at := time.Now()
				test.end(h)
				testbridge.Pass(stream.Spread + time.Second)
				var back []time.Duration
				for _, client := range clients {
					writes := client.Written()
					last := strings.TrimSpace(writes[len(writes)-1].Text)
					ms, err := strconv.Atoi(strings.TrimPrefix(last, "retry: "))
					if err != nil {
						t.Fatalf("a stream ended with %q", last)
					}
					back = append(back, client.Ended().Sub(at)+time.Duration(ms)*time.Millisecond)
				}
				if n := testsite.Crowd(back); back[0] < test.least || back[len(back)-1] > test.most || 100*n > 12*len(back) {
					t.Errorf("clients come back between %s and %s, %d of %d in one second", back[0], back[len(back)-1], n, len(back))
				}
				testbridge.End(t, h.Bridge)
			})
		})
	}
}

func TestStreamsEndWithTheirLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lifetime = 10 * time.Minute
		c := testsite.NewChat(time.Minute)
		c.Say("one")
		h := testbridge.Chat(t, c, fmt.Sprintf(`"lifetime": %d`, lifetime))
		core, logs := observer.New(zapcore.DebugLevel)
		h.Instance.Logger = zap.New(core)
		start := time.Now()
		var clients []*testbridge.Client
		for range 100 {
			clients = append(clients, testbridge.Open(t, h, false))
		}
		gone := testbridge.Open(t, h, false)
		testbridge.Pass(time.Minute)
		gone.Leave()
		testbridge.Pass(lifetime)
		var lasted []time.Duration
		for _, client := range clients {
			lasted = append(lasted, client.Ended().Sub(start))
			writes := client.Written()
			last := writes[len(writes)-1].Text
			ms, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(last, "retry: ")))
			if err != nil || ms < 2400 || ms > 3600 {
				t.Fatalf("a stream ended with %q", last)
			}
		}
		slices.Sort(lasted)
		if lasted[0] < lifetime*8/10 || lasted[99] > lifetime || lasted[99]-lasted[0] < lifetime/10 {
			t.Errorf("streams lasted from %s to %s", lasted[0], lasted[99])
		}
		if n := logs.FilterField(zap.String("reason", "lifetime")).Len(); n != len(clients) {
			t.Errorf("%d ends are logged with their reason", n)
		}
		testbridge.End(t, h.Bridge)
	})
}
