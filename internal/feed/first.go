package feed

import (
	"context"
	"time"
)

// Answered waits until the reader's feed has had an answer from its upstream, and at most
// for the given time. It returns the end of the stream if that has come already, with the
// upstream's refusal if that is why.
func (r *Reader) Answered(ctx context.Context, most time.Duration) *End {
	if r.chain.feed.health.first() {
		timer := time.NewTimer(most)
		defer timer.Stop()
		select {
		case <-r.chain.answered:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return r.end.Load()
}
