package feed

import (
	"fmt"
	"sync/atomic"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// keepAlive is what a stream that has been silent gets.
var keepAlive = sse.AppendComment(nil, "")

// End says why a stream is over. It is the error of [Reader.Next].
type End struct {
	Reason  Reason
	Refusal *page.Refusal // with Refused
}

func (e *End) Error() string {
	if e.Refusal != nil {
		return fmt.Sprintf("the stream ended (%s): %v", e.Reason, e.Refusal)
	}
	return fmt.Sprintf("the stream ended (%s)", e.Reason)
}

// Reason is a fixed word for the end of a stream, for logs and metrics.
type Reason string

// The reasons for which streams end.
const (
	Gone     Reason = "client_gone"
	Stopping Reason = "stopping"
	Slow     Reason = "slow_client"
	Refused  Reason = "refused"
)

// Reader is one client's place in a chain's log. Its methods but for [Reader.Nudge] and
// [Reader.Stop] belong to one goroutine.
type Reader struct {
	chain *chain
	at    *node   // all of it has been taken
	seen  *string // the notice that was sent last
	first []byte  // what this reader gets before anything of the log
	wake  chan struct{}
	idle  atomic.Bool
	end   atomic.Pointer[End]
}

// Next returns what is to be written next, and waits for it. The bytes are shared: they
// must not be changed. The error is always an [*End], after everything that was there
// has been returned.
func (r *Reader) Next() ([]byte, error) {
	for {
		end := r.end.Load() // before the log, so that what came before the end still goes out
		if b, err := r.take(); b != nil || err != nil {
			return b, err
		}
		if end != nil {
			return nil, end
		}
		if r.idle.Swap(false) {
			return keepAlive, nil
		}
		<-r.wake
	}
}

// Pending reports whether Next would return events without waiting.
func (r *Reader) Pending() bool { return r.at.next.Load() != nil }

func (r *Reader) take() ([]byte, error) {
	if b := r.first; b != nil {
		r.first = nil
		return b, nil
	}
	n := r.at.next.Load()
	if n == nil {
		if notice := r.at.log.notice.Load(); notice != r.seen {
			if r.seen = notice; notice != nil {
				return sse.AppendComment(nil, *notice), nil
			}
		}
		return nil, nil
	}
	if r.chain.feed.config.Document {
		n = r.at.log.tail.Load() // only the newest counts
	} else if r.at.lost() {
		return nil, &End{Reason: Slow}
	}
	r.at = n
	if n.next.Load() == nil {
		r.chain.tookTail()
	}
	return n.batch, nil
}

// Nudge makes Next return a keep-alive comment if it has nothing else. It never blocks.
func (r *Reader) Nudge() {
	r.idle.Store(true)
	r.signal()
}

// Stop ends the stream: Next returns what is left and then an [*End]. The first reason
// stands. It never blocks.
func (r *Reader) Stop(reason Reason) { r.stop(&End{Reason: reason}) }

func (r *Reader) stop(end *End) {
	if r.end.CompareAndSwap(nil, end) {
		r.signal()
	}
}

func (r *Reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake already, or will be
	}
}

// Close gives the place up. It must be called exactly once.
func (r *Reader) Close() { r.chain.feed.leave(r) }
