package ssebridge

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestTheClientsOfABridgeAreToldWhenToComeBack looks at what clients are told.
func TestTheClientsOfABridgeAreToldWhenToComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		end         func(h *standalone)
		least, most time.Duration
	}{
		"at exit":             {func(h *standalone) { h.bridge.streams.watch.endNow() }, defaultRetry, defaultRetry + exitSpread + exitWrite},
		"when it has changed": {func(h *standalone) { h.bridge.stopping(h.instance) }, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChat(time.Minute)
				c.say("one")
				h := chatHandler(t, c)
				var clients []*fakeClient
				for range 200 {
					clients = append(clients, openFake(t, h, false))
				}
				pass(time.Second)
				at := time.Now()
				test.end(h)
				pass(spread + time.Second)
				var back []time.Duration
				for _, client := range clients {
					writes := client.written()
					last := strings.TrimSpace(writes[len(writes)-1].text)
					ms, err := strconv.Atoi(strings.TrimPrefix(last, "retry: "))
					if err != nil {
						t.Fatalf("a stream ended with %q", last)
					}
					back = append(back, client.ended().Sub(at)+time.Duration(ms)*time.Millisecond)
				}
				if n := crowd(back); back[0] < test.least || back[len(back)-1] > test.most || 100*n > 12*len(back) {
					t.Errorf("clients come back between %s and %s, %d of %d in one second", back[0], back[len(back)-1], n, len(back))
				}
				endTest(t, h.bridge)
			})
		})
	}
}

func TestStreamsEndWithTheirLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lifetime = 10 * time.Minute
		c := newChat(time.Minute)
		c.say("one")
		h := chatHandler(t, c)
		h.bridge.streams.watch.lifetime = lifetime
		core, logs := observer.New(zapcore.DebugLevel)
		h.bridge.logger = zap.New(core)
		start := time.Now()
		var clients []*fakeClient
		for range 100 {
			clients = append(clients, openFake(t, h, false))
		}
		gone := openFake(t, h, false)
		pass(time.Minute)
		gone.leave()
		pass(lifetime)
		var lasted []time.Duration
		for _, client := range clients {
			lasted = append(lasted, client.ended().Sub(start))
			writes := client.written()
			last := writes[len(writes)-1].text
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
		endTest(t, h.bridge)
	})
}

// TestNewFeedsArePolledAtABoundedRate has clients come that share nothing, as after a restart.
func TestNewFeedsArePolledAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, takes = 1000, 500 * time.Millisecond
		b := newTestBridge(t, `"interval": {"min": 3600000000000}`)
		h := newStandalone(b)
		var mu sync.Mutex
		polled := make(map[string]int)
		now, most := 0, 0
		h.instance.routes[aPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			mu.Lock()
			polled[r.Header.Get("Authorization")]++
			now++
			most = max(most, now)
			mu.Unlock()
			<-time.After(takes)
			mu.Lock()
			now--
			mu.Unlock()
			_, err := io.WriteString(w, "hello")
			return err
		})
		b.add(h.instance)
		var all []*fakeClient
		for i := range clients {
			all = append(all, openFakeWith(t, h, "Authorization", fmt.Sprint("Bearer ", i)))
		}
		pass(clients/time.Duration(b.plan.limits.Polls)*takes + time.Second)
		mu.Lock()
		if most != b.plan.limits.Polls || len(polled) != clients {
			t.Errorf("%d polls at once, and %d feeds polled", most, len(polled))
		}
		for who, n := range polled {
			if n != 1 {
				t.Errorf("%s was polled for %d times", who, n)
			}
		}
		mu.Unlock()
		for _, client := range all {
			client.leave()
		}
		endTest(t, b)
		pass(time.Minute)
	})
}
