package bridge

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// privateFeeds returns a bridge with so many feeds, each of one client with an Authorization of its own, that have
// made their first poll, and how many polls there were.
func privateFeeds(t testing.TB, n int, interval time.Duration) (readers []*feed.Reader, polls *atomic.Int64) {
	t.Helper()
	polls = new(atomic.Int64)
	quiet := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items":[],"cursor":"5"}`)
		polls.Add(1)
	}
	b := bridgeOf(t, quiet, fmt.Sprintf("interval %s", interval), "items items", "cursor cursor", "query since {sse.cursor}")
	for i := range n {
		r := testsite.ClientRequest(http.MethodGet, "http://a.test/polls", "", testsite.Header("Authorization", "Bearer "+strconv.Itoa(i)))
		p, err := upstream.NewRequest(b.plan, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		reader, _, err := b.join(p)
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, reader)
	}
	testsite.Eventually(t, "the first poll of each feed", func() bool { return polls.Load() >= int64(n) })
	return readers, polls
}

// footprint returns how much memory a feed takes that only one client reads, between two polls: its chain, its poller,
// its session and its request. The client's own connection is none of it.
func footprint(t testing.TB) (bytes int64) {
	const feeds = 2000
	used := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := used()
	readers, _ := privateFeeds(t, feeds, time.Minute)
	bytes = (used() - before) / feeds
	for _, r := range readers {
		r.Close()
	}
	return bytes
}

func TestAFeedWithOneClientTakesLittleMemory(t *testing.T) {
	if got := footprint(t); got > 12<<10 {
		t.Errorf("it takes %d bytes", got)
	}
}

func BenchmarkPrivateFeed(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(footprint(b)), "B/feed")
	}
}

// BenchmarkPrivatePolls makes the polls of many private feeds at their intervals. It says how much of the processor
// one costs, beside the upstream's handlers, and what it allocates.
func BenchmarkPrivatePolls(b *testing.B) {
	readers, polls := privateFeeds(b, 200, 100*time.Millisecond)
	b.ReportAllocs()
	b.ResetTimer()
	before, start := processor(), polls.Load()
	testsite.Within(time.Hour, func() bool { return polls.Load()-start >= int64(b.N) })
	b.StopTimer()
	b.ReportMetric((processor()-before)*1e9/float64(polls.Load()-start), "cpu-ns/poll")
	for _, r := range readers {
		r.Close()
	}
}

// processor returns for how many seconds the processor has worked for this process, as far as the runtime knows.
func processor() float64 {
	runtime.GC() // which brings the figures up to date
	figures := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(figures)
	return figures[0].Value.Float64() - figures[1].Value.Float64()
}
