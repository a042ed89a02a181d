package stream

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// few is a number of clients that is not a crowd: they need not be spread.
	few = 20
	// exitSpread is the time over which clients come back whose streams all ended at once. It is so long that
	// less than a tenth of the clients comes back in any second.
	exitSpread = 15 * time.Second
	// spread is the time over which the streams of a bridge end that was changed or removed.
	spread = 4 * time.Second
	// maxAway is the longest time until the clients of a changed bridge are back.
	maxAway = 9500 * time.Millisecond
)

// reconnects decides when the clients of a bridge come back. Independent random times would crowd at some
// moments. These are multiples of the golden ratio, which are evenly distributed for any number of clients
// (Knuth, The Art of Computer Programming, volume 3, section 6.4, theorem S).
type reconnects struct {
	retry time.Duration // as configured
	first float64       // the start of the sequence, which differs between bridges
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

// usual returns how long a client waits whose stream ends alone: the configured time, ±20 %.
func (r *reconnects) usual() time.Duration { return jitter(r.retry) }

// crowd returns how long a client waits whose stream ends together with others, of which the number is given.
func (r *reconnects) crowd(of int) time.Duration {
	if of < few {
		return r.usual()
	}
	return r.retry + time.Duration(r.share()*float64(exitSpread))
}

// moved returns when one of the streams of a changed bridge ends, and how long its client then waits. The sums
// are spread evenly over the configured wait, but at most over maxAway, because the new bridge already exists.
func (r *reconnects) moved(of int) (end, wait time.Duration) {
	if of < few {
		return 0, min(r.usual(), maxAway)
	}
	away := min(spread+2*r.retry, maxAway)
	back := time.Duration(r.share() * float64(away))
	end = time.Duration(float64(back) * float64(spread) / float64(away))
	return end, back - end
}

// jitter returns d ±20 %, so that clients do not all come back at once.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}
