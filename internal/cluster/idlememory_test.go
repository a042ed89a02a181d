//go:build !race

package cluster

import (
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// An idle feed that is shared takes little more memory than one that is not, and no goroutine.
func TestMemoryOfIdleSharedFeeds(t *testing.T) {
	const feeds = 500
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	measure := func(shared bool) (bytes, goroutines int) {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{items: 5}
			s := newSite(t, 2, u)
			defer s.close()
			all := make([]*feed.Feed, 0, 2*feeds)
			before, running := heap(), runtime.NumGoroutine()
			var readers []*feed.Reader
			for i := range feeds {
				for node := range 2 {
					f := feed.New(s.configs[node], s.members[node].settings.Logger)
					s.feeds[node] = f
					if shared {
						s.share(node, "bridge", strconv.Itoa(i))
					}
					readers = append(readers, f.Join("5", feed.Start{Poll: u.pollOf(node)}))
					all = append(all, f)
				}
			}
			for _, r := range readers {
				for text, _, _ := r.TryNext(); text != nil; text, _, _ = r.TryNext() {
				}
			}
			pass(5*time.Second + 137*time.Millisecond) // nothing is under way
			u.change(func() { u.polls = nil })
			bytes, goroutines = int(heap()-before)/len(all), runtime.NumGoroutine()-running
			for _, r := range readers {
				r.Stop(feed.Gone)
				r.Close()
			}
			for _, f := range all {
				f.Halt()
			}
			runtime.KeepAlive(readers)
		})
		return bytes, goroutines
	}
	alone, few := measure(false)
	shared, many := measure(true)
	t.Logf("a feed takes %d bytes, and %d if it is shared; %d and %d goroutines", alone, shared, few, many)
	if shared-alone > 3<<10 {
		t.Errorf("sharing takes %d bytes a feed", shared-alone)
	}
	if many-few > feeds/10 {
		t.Errorf("%d goroutines, instead of %d", many, few)
	}
}
