package stream

import (
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestRetryIsSpreadByAFifth(t *testing.T) {
	t.Parallel()
	least, most := time.Hour, time.Duration(0)
	for range 10_000 {
		d := jitter(10 * time.Second)
		least, most = min(least, d), max(most, d)
	}
	if least < 8*time.Second || least > 8100*time.Millisecond || most > 12*time.Second || most < 11900*time.Millisecond {
		t.Errorf("from %s to %s", least, most)
	}
}

func TestThoseWhoseStreamsEndTogetherComeBackOneByOne(t *testing.T) {
	t.Parallel()
	for _, clients := range []int{100, 1000, 10_000} {
		for _, retry := range []time.Duration{100 * time.Millisecond, 3 * time.Second, time.Minute} {
			r := newReconnects(retry)
			var crowded, moved []time.Duration
			for range clients {
				wait := r.crowd(clients)
				if wait < retry || wait > retry+exitSpread {
					t.Fatalf("a client waits %s, with %s configured", wait, retry)
				}
				crowded = append(crowded, wait)
			}
			for range clients {
				end, wait := r.moved(clients)
				if end < 0 || end > spread || wait < 0 || end+wait > 10*time.Second {
					t.Fatalf("a stream ends after %s, its client comes back %s later", end, wait)
				}
				moved = append(moved, end+wait)
			}
			if n := testsite.Crowd(crowded); 10*n > clients {
				t.Errorf("retry %s: %d of %d clients come back in one second after an exit", retry, n, clients)
			}
			// ten seconds for all cannot be less than a tenth in each
			if n := testsite.Crowd(moved); retry >= 3*time.Second && 100*n > 12*clients {
				t.Errorf("retry %s: %d of %d clients come back in one second after a change", retry, n, clients)
			}
		}
	}
}

func TestAFewClientsComeBackAsUsual(t *testing.T) {
	t.Parallel()
	r := newReconnects(3 * time.Second)
	for range 1000 {
		crowd := r.crowd(few - 1)
		end, moved := r.moved(few - 1)
		for _, wait := range []time.Duration{crowd, end + moved} {
			if wait < 2400*time.Millisecond || wait > 3600*time.Millisecond {
				t.Fatalf("one of a few clients waits %s, with 3s configured", wait)
			}
		}
	}
}
