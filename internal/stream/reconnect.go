package stream

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// few are clients that are no crowd: they need not wait for one another.
	few = 20
	// exitSpread is over how long clients come back whose streams ended all at once: so many
	// seconds that none of them sees a tenth of the clients.
	exitSpread = 15 * time.Second
	// spread is over how long the streams of a bridge end that has changed or gone.
	spread = 4 * time.Second
	// maxAway is the most that passes until the clients of a bridge that has changed are back.
	maxAway = 9500 * time.Millisecond
)

// reconnects says when the clients of a bridge come back. Independent draws would crowd some
// moments; these share a sequence of multiples of the golden ratio, which lie evenly however many
// are drawn (Knuth, The Art of Computer Programming, volume 3, section 6.4, theorem S).
type reconnects struct {
	retry time.Duration // as configured
	first float64       // where the sequence begins, so that bridges differ
	drawn atomic.Uint64
}

func newReconnects(retry time.Duration) *reconnects {
	return &reconnects{retry: retry, first: rand.Float64()}
}

// share returns the next draw from [0, 1).
func (r *reconnects) share() float64 {
	_, share := math.Modf(r.first + float64(r.drawn.Add(1))*(math.Phi-1))
	return share
}

// usual returns how long a client waits whose stream ends by itself: what is configured, give or
// take a fifth.
func (r *reconnects) usual() time.Duration { return jitter(r.retry) }

// crowd returns how long a client waits whose stream is one of so many that end together.
func (r *reconnects) crowd(of int) time.Duration {
	if of < few {
		return r.usual()
	}
	return r.retry + time.Duration(r.share()*float64(exitSpread))
}

// moved returns when the stream of a bridge ends that has changed, one of so many, and how long its client
// waits then. Together they are spread evenly over what the configured wait allows, and over
// maxAway at most, since the new bridge is there already.
func (r *reconnects) moved(of int) (end, wait time.Duration) {
	if of < few {
		return 0, min(r.usual(), maxAway)
	}
	away := min(spread+2*r.retry, maxAway)
	back := time.Duration(r.share() * float64(away))
	end = time.Duration(float64(back) * float64(spread) / float64(away))
	return end, back - end
}

// jitter returns d, give or take a fifth, so that clients do not come back all at once.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}
