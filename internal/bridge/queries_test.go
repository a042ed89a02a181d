package bridge

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestDistinctQueriesTakeBoundedMemoryAndDisturbNobody has an attacker ask for one URL with a
// new query each time, and go as soon as there is a feed for it, which lingers then. Its time is
// real: simulated timers that were stopped keep what they hold.
func TestDistinctQueriesTakeBoundedMemoryAndDisturbNobody(t *testing.T) {
	queries, limit := testsite.Soak(3000, 100_000), testsite.Soak(1000, config.DefaultLimits.Feeds)
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
		r, _, err := b.join(requestOf(t, b.plan, testsite.ClientRequest("GET", target, "")))
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
	if most > limit || most < limit/10 || grown > 100e6 { // some have lingered long enough by then, on a busy machine more
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
