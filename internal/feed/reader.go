package feed

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// What a stream that has been silent gets: a comment, or an event for clients whose pages cannot see comments.
var (
	keepAliveComment = sealed(sse.AppendComment(nil, ""))
	keepAliveEvent   = sealed(sse.AppendEvent(nil, "bridge.alive", []byte("{}"), ""))
)

// End is the reason why a stream is over. It is the error of [Reader.Next].
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
	Ended    Reason = "ended"    // by the upstream: nothing will follow
	Lifetime Reason = "lifetime" // it has lasted for as long as a stream may
	Busy     Reason = "limit"    // there is no room for another connection to the upstream
)

// host is the feed itself, as far as what it is made of calls it.
type host interface {
	seat(r *Reader) bool // with the lock: gives a reader a place, if there is one
	leave(r *Reader)     // takes a reader off
	ended(c *chain)      // is told by a poller that its chain has ended
}

// Waker is told that a reader may have something to be written.
type Waker interface {
	// Wake must not block, and must call none of the reader's methods: locks of the feed may be held.
	Wake()
}

// bell is what is rung for a reader: one of its own, that Next waits for, or another's.
type bell struct {
	ring chan struct{}
	to   Waker // nil: ring
}

// Reader is one client's place in a log. Its methods belong to one goroutine, except for
// [Reader.Nudge] and [Reader.Stop].
type Reader struct {
	feed   *common
	lastID string

	at   place // all before it has been taken
	told hearing
	fed  bool  // the client has an id that stands for its place: no reset came since
	last bool  // it got the event that says that nothing will follow
	sent bool  // to a place in a log, from which it has not moved on yet
	took int32 // events in what Next returned last; here, it makes the reader no larger
	slot int32 // in chain.readers; guarded by feed.mu
	idle atomic.Bool
	wake atomic.Pointer[bell]
	end  atomic.Pointer[End]

	// guarded by feed.mu
	*arrival        // nil once it has a place
	chain    *chain // nil while it waits for one
}

// arrival is what a reader needs until it has a place. Readers that have one are many.
type arrival struct {
	start  Start
	desk   *node  // where it stands
	before []byte // what this reader gets before anything of the log
}

// Next returns what is to be written next, and waits for it. The bytes are shared: they
// must not be changed. The error is always an [*End], after everything that was there
// has been returned, except for [Lifetime], which waits for nothing once the client has an id of its place, and no reset is left.
func (r *Reader) Next() ([]byte, error) { return r.NextUntil(nil) }

// NextUntil is Next for a client that is gone once a channel is closed: that ends its stream, as Stop does.
func (r *Reader) NextUntil(gone <-chan struct{}) ([]byte, error) {
	wake := r.wake.Load().ring
	for {
		if b, err := r.next(); b != nil || err != nil {
			return b, err
		}
		select {
		case <-wake:
		case <-gone:
			r.Stop(Gone)
		}
	}
}

// TryNext is Next for a reader that has a [Waker]: it does not wait, and returns nil if nothing is to be written now.
// chunk is the same text in the chunked transfer coding (RFC 9112, section 7.1) if that is at hand, and nil otherwise.
// It must be called until it returns nothing: only then is there another Wake for what comes.
func (r *Reader) TryNext() (text, chunk []byte, err error) {
	text, err = r.next()
	if len(text) == 0 {
		return nil, nil, err
	}
	switch n, alive := r.at.node, r.feed.config.keepAlive(); {
	case &text[0] == &alive.text[0]:
		chunk = alive.chunk
	case len(text) == len(n.batch) && &text[0] == &n.batch[0]:
		chunk = n.chunk
	}
	return text, chunk, err
}

// HandOver has a Waker woken from now on, in place of Next, which must not be called any more. It is woken at least
// once.
func (r *Reader) HandOver(to Waker) {
	r.wake.Store(&bell{to: to})
	r.signal() // what was rung before may not have been heard
}

// next returns what is to be written next, or nothing.
func (r *Reader) next() ([]byte, error) {
	end := r.end.Load() // before the log, so that what came before the end still goes out
	if end != nil && end.Reason == Lifetime && r.fed && !r.cut() {
		return r.farewell(end) // what is left comes by the client's next request
	}
	r.took = 0
	if b, err := r.take(); b != nil || err != nil {
		return b, err
	}
	if end != nil {
		return r.farewell(end)
	}
	if r.idle.Load() && r.idle.Swap(false) {
		return r.feed.config.keepAlive().text, nil
	}
	return nil, nil
}

// Busy reports whether there was no room for the connection to the upstream that the reader needs.
func (r *Reader) Busy() bool {
	end := r.end.Load()
	return end != nil && end.Reason == Busy
}

// Took returns how many events there were in what Next returned last, notices of the bridge not
// among them.
func (r *Reader) Took() int { return int(r.took) }

// farewell returns end. Before it, once, it returns the position of a reader that is sent away and has got
// none yet, or none since a reset: otherwise the client would come back as a newcomer, or to a place that is of no use any
// more, and miss events. Clients that want to know are told, once, that nothing will follow.
func (r *Reader) farewell(end *End) ([]byte, error) {
	switch {
	case end.Reason == Ended && r.feed.config.Ends && !r.last:
		r.last = true
		return endEvent(r.Unsaid()), nil
	case (end.Reason == Lifetime || end.Reason == Stopping) && !r.feed.config.Document:
		if id := r.Unsaid(); id != "" {
			r.fed = true
			return positionEvent(id), nil
		}
	}
	return nil, end
}

// Unsaid returns the id of the position of a reader that has got none, or none since a reset, and has taken all that there is;
// empty: it has got one, or there is none.
func (r *Reader) Unsaid() string {
	if r.fed {
		return ""
	}
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	c, at := r.chain, r.at.beyond()
	if c == nil || c.progress.at.IsZero() || at.node != c.log.end().node || at.off != c.log.end().off {
		return ""
	}
	return c.progress.at.ID()
}

// cut reports whether the log starts over at a place that the reader has not come to. The next request of its client could
// name a place of before.
func (r *Reader) cut() bool {
	at := r.at.beyond()
	c := at.node.log.cut.Load()
	return c != nil && (c.seq > at.node.seq || c.seq == at.node.seq && at.off < len(c.notice))
}

// Pending reports whether Next would return events without waiting.
func (r *Reader) Pending() bool {
	for at := &r.at; at != nil; at = at.node.jump.Load() {
		if at.off < len(at.node.batch) || at.node.next.Load() != nil {
			return true
		}
	}
	return false
}

// take returns what is there, or nothing.
func (r *Reader) take() ([]byte, error) {
	for {
		n := r.at.node
		if b := r.told.recovered(&n.log.notice); b != nil {
			return b, nil
		}
		if r.at.off < len(n.batch) {
			return r.rest(), nil
		}
		next := n.next.Load()
		if next == nil {
			if jump := n.jump.Load(); jump != nil {
				r.at, r.told.seen, r.sent = *jump, nil, true
				continue
			}
			n.log.demand.taken()
			return r.told.next(&n.log.notice, r.feed.config.Notify), nil // what there is to say beside the log
		}
		if r.feed.config.skips() {
			if tail := n.log.tail.Load(); tail.seq > next.seq { // else it is just about to be the tail
				next = tail // only the newest counts
			}
		} else if r.at.lost() && !r.sent { // a reader that has only got its place had no chance to be quicker
			if b := r.missed(n.log); b != nil {
				return b, nil
			}
			return nil, &End{Reason: Slow}
		}
		r.at, r.sent = place{node: next}, false
		return r.rest(), nil
	}
}

// missed tells a reader that is too slow for its log that this has started over since. If it came back
// with its id, that could be the one of another event. It goes on with what the log holds.
func (r *Reader) missed(l *log) []byte {
	if r.feed.config.Document { // of which nothing is lost
		return nil
	}
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	c := l.cut.Load()
	if c == nil || c.seq <= r.at.node.seq {
		return nil
	}
	n := l.oldest
	for n.seq < c.seq {
		n = n.next.Load()
	}
	r.at, r.sent, r.fed = place{node: n}, true, false
	if n.seq == c.seq {
		r.at.off = len(c.notice)
	}
	return c.notice
}

// rest takes what is left of the node: what has an id, or else a reset alone. Whoever takes the last page makes the chain poll on.
func (r *Reader) rest() []byte {
	n := r.at.node
	b := n.batch[r.at.off:]
	r.took = n.count - r.at.took
	r.at.off, r.at.took, r.fed = len(n.batch), n.count, n.count > 0
	if n.next.Load() == nil {
		n.log.demand.taken()
	}
	return b
}

// open leads the reader from its desk to its place. The feed's lock is held.
func (r *Reader) open(at place) {
	if r.before != nil {
		n := &node{log: r.feed.lobby.log, batch: r.before}
		if r.feed.config.Document {
			n.count = 1 // a snapshot; anything else is a notice
		}
		n.jump.Store(new(at))
		at = place{node: n}
	}
	r.desk.jump.Store(&at)
	r.arrival = nil // from the desk, all that ever comes could be reached
	r.signal()
}

// Answered waits until the reader's feed has had an answer from its upstream, and at most
// for the given time. It returns the end of the stream if that has come already, with the
// upstream's refusal if that is why.
func (r *Reader) Answered(ctx context.Context, most time.Duration) *End {
	r.feed.mu.Lock()
	answered := r.feed.health.answered // with the first answer; nil after that
	r.feed.mu.Unlock()
	if answered != nil && r.end.Load() == nil {
		timer := time.NewTimer(most)
		defer timer.Stop()
		select {
		case <-answered:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return r.end.Load()
}

// LastID returns the id with which the client has come; empty: none.
func (r *Reader) LastID() string { return r.lastID }

// Nudge makes Next return a keep-alive if it has nothing else. It never blocks.
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
	b := r.wake.Load()
	if b.to != nil {
		b.to.Wake()
		return
	}
	select {
	case b.ring <- struct{}{}:
	default: // it is awake already, or will be
	}
}

// Close gives the place up. It must be called exactly once.
func (r *Reader) Close() { r.feed.host.leave(r) }
