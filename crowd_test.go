package ssebridge

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// crowdHandler returns a handler whose upstream greets a newcomer and holds all other polls, and
// counts the polls.
func crowdHandler(t *testing.T, fields string) (h *standalone, polls *atomic.Int64) {
	t.Helper()
	b := newTestBridge(t, `"long_poll": "60s", "items": "items", "id": "id", "query": [{"name": "since", "value": "{sse.cursor}"}]`+fields)
	h, polls = newStandalone(b), new(atomic.Int64)
	h.instance.routes[aPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
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
	b.add(h.instance)
	return h, polls
}

// isBusy reports whether a client was turned away softly: EventSource comes back by itself.
func (c *fakeClient) isBusy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status == http.StatusOK && c.header.Get("Content-Type") == "text/event-stream" && !c.returned.IsZero() &&
		len(c.writes) == 1 && strings.HasPrefix(c.writes[0].text, "retry: ") && strings.Contains(c.writes[0].text, "\nevent: bridge.busy\n")
}

func TestWhoIsOverALimitIsTurnedAwayAtOnce(t *testing.T) {
	for _, test := range []struct {
		limit   string
		allowed int
		feeds   bool // whether each client is a feed of its own
	}{
		{"clients_per_ip", 100, false},
		{"clients", soak(100, 10_000), false},
		{"feeds", soak(200, 10_000), true},
	} {
		t.Run(test.limit, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, polls := crowdHandler(t, fmt.Sprintf(`, "limits": {%q: %d}`, test.limit, test.allowed))
				var clients []*fakeClient
				come := func(i int) *fakeClient {
					if test.feeds {
						return openFakeWith(t, h, "Authorization", fmt.Sprint("Bearer ", i))
					}
					return openFake(t, h, false)
				}
				for i := range test.allowed {
					clients = append(clients, come(i))
				}
				pass(2 * time.Second)
				asked, at := polls.Load(), time.Now()
				over := come(test.allowed)
				synctest.Wait() // no time passes
				if !over.isBusy() || !over.ended().Equal(at) || polls.Load() != asked {
					t.Errorf("the client over the limit got %d %+v %s after it came, and the upstream %d polls", over.status, over.written(), over.ended().Sub(at), polls.Load()-asked)
				}
				for _, client := range clients {
					if !client.ended().IsZero() {
						t.Fatal("a client that was there is there no more")
					}
				}
				clients[0].leave()
				pass(defaultLinger + time.Second)
				again := come(test.allowed)
				pass(2 * time.Second)
				if !again.ended().IsZero() {
					t.Errorf("the place that is free was given to nobody: %+v", again.written())
				}
				for _, client := range append(clients[1:], again) {
					client.leave()
				}
				endTest(t, h.bridge)
				pass(time.Minute)
			})
		})
	}
}

// TestDistinctQueriesTakeBoundedMemoryAndDisturbNobody has an attacker ask for one URL with a
// new query each time, and go as soon as there is a feed for it, which lingers then. Its time is
// real: simulated timers that were stopped keep what they hold.
func TestDistinctQueriesTakeBoundedMemoryAndDisturbNobody(t *testing.T) {
	queries, limit := soak(3000, 100_000), soak(1000, defaultLimits.Feeds)
	news := make(chan struct{})
	b := bridgeOf(t, func(w http.ResponseWriter, r *http.Request) {
		id := 1
		if since := r.URL.Query().Get("since"); since != "" {
			select {
			case <-news:
			case <-r.Context().Done():
			}
			if id = 2; since == "2" {
				<-r.Context().Done()
			}
		}
		fmt.Fprintf(w, `{"items":[{"id":%d}]}`, id)
	}, "long_poll", "items items", "id id", "query since {sse.cursor}", fmt.Sprintf("limits {\nfeeds %d\n}", limit))
	join := func(target string) *feed.Reader {
		t.Helper()
		r, err := b.join(requestOf(t, b.plan, clientRequest("GET", target, "")))
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		if batch, err := r.Next(); err != nil || !strings.Contains(string(batch), "id: 1") {
			t.Fatalf("%s: got %q, %v", target, batch, err)
		}
		return r
	}
	var good []*feed.Reader
	for i := range 10 {
		good = append(good, join(fmt.Sprint("/messages?good=", i%3)))
	}
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before, grown, most := heap(), 0, 0
	for i := range queries {
		join(fmt.Sprint("/messages?x=", i)).Close()
		if i%(queries/10) == 0 || i == queries-1 {
			b.mu.Lock()
			most = max(most, len(b.feeds.byKey))
			b.mu.Unlock()
			grown = max(grown, heap()-before)
		}
	}
	t.Logf("%d queries: %d feeds at most, %.1f MB more", queries, most, float64(grown)/1e6)
	if most > limit || most < limit/2 || grown > 100e6 { // some have lingered long enough by then
		t.Errorf("%d feeds, where the limit is %d, and the heap has grown by %d bytes", most, limit, grown)
	}
	close(news)
	for _, r := range good {
		if batch, err := r.Next(); err != nil || !strings.Contains(string(batch), "id: 2") {
			t.Errorf("a stream of before got %q, %v", batch, err)
		}
		r.Close()
	}
}

func TestAStormOfReconnectsIsOnePoll(t *testing.T) {
	for name, known := range map[string]bool{"to a feed that is there": true, "after a restart": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, polls := crowdHandler(t, "")
				want := int64(1)
				var all []*fakeClient
				if known {
					all = append(all, openFake(t, h, false))
					pass(2 * time.Second)
					polls.Store(0) // the poll that is under way serves all
					want = 0
				}
				for range 1000 {
					all = append(all, openFakeWith(t, h, "Last-Event-ID", "1"))
					pass(time.Millisecond)
				}
				pass(time.Second)
				if n := polls.Load(); n != want {
					t.Errorf("%d polls for 1,000 clients within a second, want %d", n, want)
				}
				for _, c := range all {
					if !c.ended().IsZero() {
						t.Fatalf("a stream has ended: %+v", c.written())
					}
					c.leave()
				}
				endTest(t, h.bridge)
				pass(time.Minute)
			})
		})
	}
}
