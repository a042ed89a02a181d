package feed

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// TestALogOf64DoesNotGrow sends events through a log that holds few of them.
func TestALogOf64DoesNotGrow(t *testing.T) {
	const batch, samples = 50, 10
	events := soak(200_000, 1_000_000)
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll, config.Replay = true, 64
		next := make(chan struct{})
		n := 0
		r := newFeed(config).Join("", Start{Poll: func(ctx context.Context, ask Ask) (page.Page, error) {
			select {
			case <-next:
			case <-ctx.Done():
				return page.Page{}, ctx.Err()
			}
			p := page.Page{News: true}
			for range batch {
				n++
				p.Next = position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}
				p.Events = append(p.Events, page.Event{Data: []byte("an event of some bytes"), At: p.Next})
			}
			return p, nil
		}})
		var heap []float64
		for i := range events / batch {
			next <- struct{}{}
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			if (i+1)%(events/batch/samples) == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap = append(heap, float64(m.HeapAlloc))
			}
		}
		r.Close()
		pass(time.Minute)
		growth := slope(heap[1:]) / heap[1] * 100_000 / (float64(events) / samples)
		t.Logf("%.0f bytes; %.4f %% more per 100,000 of %d events", heap[1], 100*growth, n)
		// Now and then the heap takes a step of some kilobytes, which counts the less the more events there are.
		// If each left a pointer behind, it would be 40 % in 100,000.
		if growth > float64(soak(5, 1))/100 {
			t.Errorf("the heap grows by %.2f %% per 100,000 events: %.0f", 100*growth, heap)
		}
	})
}

// slope is that of the line that fits best through samples at equal distances.
func slope(y []float64) float64 {
	var meanX, meanY, above, below float64
	for i := range y {
		meanX += float64(i) / float64(len(y))
		meanY += y[i] / float64(len(y))
	}
	for i := range y {
		above += (float64(i) - meanX) * (y[i] - meanY)
		below += (float64(i) - meanX) * (float64(i) - meanX)
	}
	return above / below
}
