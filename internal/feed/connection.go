package feed

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Closed is the error of a poll if an answer that goes on is over, and nothing of it is missing.
type Closed struct {
	Lasted  time.Duration // since the request was sent
	Records bool          // it had some
	Wait    time.Duration // what the upstream asks for before the next request; 0: nothing
	Status  int           // of the answer
	Silent  time.Duration // the silence after which the bridge has ended it; 0: the upstream has
}

func (e *Closed) Error() string {
	if e.Silent > 0 {
		return fmt.Sprintf("the upstream was silent for %s", e.Silent)
	}
	return fmt.Sprintf("the upstream ended its answer after %s", e.Lasted.Round(time.Millisecond))
}

// outage returns the error that it is if the upstream ends its answer at once, without a record; nil: it is none.
func (e *Closed) outage() error {
	if e.Lasted >= held || e.Records || e.Silent > 0 {
		return nil
	}
	return &page.Error{Status: e.Status, Comment: page.Ended, Wait: e.Wait, Err: fmt.Errorf("%w, without a record: with `interval` instead of `stream`, an answer that ends is polled", e)}
}

// connection is a chain's answer that goes on. The feed's lock guards it.
type connection struct {
	config *Config
	since  time.Time // when it was asked for
	up     bool      // the upstream has begun its answer
	brief  waits     // after answers that ended at once
	given  bool      // it has given its place among Connections back
}

// release gives the chain's place among [Connections] back.
func (k *connection) release() {
	if !k.given {
		k.given = true
		k.config.Connections.release()
	}
}

// asked is told that the chain polls.
func (k *connection) asked(now time.Time) {
	if !k.up {
		k.since = now
	}
}

// ended takes note that the answer is over, and reports whether records that come before the next one are lost:
// the upstream had begun it, and the next one cannot be asked from a position.
func (k *connection) ended(at position.Position) (loses bool) {
	loses = k.up && (at.Cursor.IsZero() || k.config.counts(at))
	k.up = false
	return loses
}

// wait returns how long to wait before the next request.
func (k *connection) wait(closed *Closed) time.Duration {
	if closed.Lasted >= held {
		k.brief.reset()
		return closed.Wait
	}
	return max(closed.Wait, held-closed.Lasted, k.brief.next())
}

// Connections bounds how many answers that go on there are at the same time.
type Connections struct {
	most int64
	used atomic.Int64
}

// NewConnections returns a bound.
func NewConnections(most int) *Connections { return &Connections{most: int64(most)} }

// take takes one of them, if there is one left.
func (l *Connections) take() bool {
	if l == nil {
		return true
	}
	if l.used.Add(1) > l.most {
		l.used.Add(-1)
		return false
	}
	return true
}

func (l *Connections) release() {
	if l != nil {
		l.used.Add(-1)
	}
}
