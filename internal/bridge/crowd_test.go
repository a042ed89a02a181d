package bridge_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// crowdHandler returns a handler whose upstream greets a newcomer and holds all other polls, and
// counts the polls.
func crowdHandler(t *testing.T, fields string) (h *testbridge.Standalone, polls *atomic.Int64) {
	t.Helper()
	b := testbridge.Bridge(t, `"long_poll": "60s", "items": "items", "id": "id", "query": [{"name": "since", "value": "{sse.cursor}"}]`+fields)
	h, polls = testbridge.New(b), new(atomic.Int64)
	h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		polls.Add(1)
		if r.URL.Query().Has("since") {
			select {
			case <-time.After(time.Minute):
				return nil
			case <-r.Context().Done():
				return r.Context().Err()
			}
		}
		_, err := io.WriteString(w, `{"items":[{"id":1}]}`)
		return err
	})
	b.Add(h.Instance)
	return h, polls
}

func TestWhoIsOverALimitIsTurnedAwayAtOnce(t *testing.T) {
	for _, test := range []struct {
		limit   string
		allowed int
		feeds   bool // whether each client is a feed of its own
	}{
		{"clients_per_ip", 100, false},
		{"clients", testsite.Soak(100, 10_000), false},
		{"feeds", testsite.Soak(200, 10_000), true},
	} {
		t.Run(test.limit, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, polls := crowdHandler(t, fmt.Sprintf(`, "limits": {%q: %d}`, test.limit, test.allowed))
				var clients []*testbridge.Client
				come := func(i int) *testbridge.Client {
					if test.feeds {
						return testbridge.OpenWith(t, h, "Authorization", fmt.Sprint("Bearer ", i))
					}
					return testbridge.Open(t, h, false)
				}
				for i := range test.allowed {
					clients = append(clients, come(i))
				}
				testbridge.Pass(2 * time.Second)
				asked, at := polls.Load(), time.Now()
				over := come(test.allowed)
				synctest.Wait() // no time passes
				if !over.IsBusy() || !over.Ended().Equal(at) || polls.Load() != asked {
					t.Errorf("the client over the limit got %d %+v %s after it came, and the upstream %d polls", over.Status, over.Written(), over.Ended().Sub(at), polls.Load()-asked)
				}
				if got, want := overLimits(h.Bridge), fmt.Sprintf("%s 1 at %s", test.limit, at); got != want {
					t.Errorf("of the client over the limit it is counted %q, want %q", got, want)
				}
				for _, client := range clients {
					if !client.Ended().IsZero() {
						t.Fatal("a client that was there is there no more")
					}
				}
				clients[0].Leave()
				testbridge.Pass(config.DefaultLinger + time.Second)
				again := come(test.allowed)
				testbridge.Pass(2 * time.Second)
				if !again.Ended().IsZero() {
					t.Errorf("the place that is free was given to nobody: %+v", again.Written())
				}
				for _, client := range append(clients[1:], again) {
					client.Leave()
				}
				testbridge.End(t, h.Bridge)
				testbridge.Pass(time.Minute)
			})
		})
	}
}

// overLimits says how many clients were over which limit, and when the last one was.
func overLimits(b *bridge.Bridge) string {
	var all []string
	for _, over := range b.Tally().Over {
		if over.Value > 0 {
			all = append(all, fmt.Sprintf("%s %d at %s", over.Label, over.Value, over.Last))
		}
	}
	return strings.Join(all, ", ")
}

func TestAStormOfReconnectsIsOnePoll(t *testing.T) {
	for name, known := range map[string]bool{"to a feed that is there": true, "after a restart": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, polls := crowdHandler(t, "")
				want := int64(1)
				var all []*testbridge.Client
				if known {
					all = append(all, testbridge.Open(t, h, false))
					testbridge.Pass(2 * time.Second)
					polls.Store(0) // the poll that is under way serves all
					want = 0
				}
				for range 1000 {
					all = append(all, testbridge.OpenWith(t, h, "Last-Event-ID", "1"))
					testbridge.Pass(time.Millisecond)
				}
				testbridge.Pass(time.Second)
				if n := polls.Load(); n != want {
					t.Errorf("%d polls for 1,000 clients within a second, want %d", n, want)
				}
				for _, c := range all {
					if !c.Ended().IsZero() {
						t.Fatalf("a stream has ended: %+v", c.Written())
					}
					c.Leave()
				}
				testbridge.End(t, h.Bridge)
				testbridge.Pass(time.Minute)
			})
		})
	}
}

// TestNewFeedsArePolledAtABoundedRate has clients come that share nothing, as after a restart.
func TestNewFeedsArePolledAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, takes = 1000, 500 * time.Millisecond
		b := testbridge.Bridge(t, `"interval": {"min": 3600000000000}`)
		h := testbridge.New(b)
		var mu sync.Mutex
		polled := make(map[string]int)
		now, most := 0, 0
		h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
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
		b.Add(h.Instance)
		var all []*testbridge.Client
		for i := range clients {
			all = append(all, testbridge.OpenWith(t, h, "Authorization", fmt.Sprint("Bearer ", i)))
		}
		testbridge.Pass(clients/time.Duration(config.DefaultLimits.Polls)*takes + time.Second)
		mu.Lock()
		if most != config.DefaultLimits.Polls || len(polled) != clients {
			t.Errorf("%d polls at once, and %d feeds polled", most, len(polled))
		}
		for who, n := range polled {
			if n != 1 {
				t.Errorf("%s was polled for %d times", who, n)
			}
		}
		mu.Unlock()
		for _, client := range all {
			client.Leave()
		}
		testbridge.End(t, b)
		testbridge.Pass(time.Minute)
	})
}
