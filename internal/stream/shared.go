package stream

import (
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// shared is what all streams of a bridge share, whether their handlers or senders write them.
type shared struct {
	watch  *watchdog
	back   *reconnects
	counts *counters

	accessLog func() *zap.Logger // the newest, by whose core lines are written
}

// wait returns how long the client of an ended stream waits; 0: as it was told at the beginning.
func (a *shared) wait(s *stream, reason feed.Reason) time.Duration {
	switch reason {
	case feed.Stopping:
		return max(time.Duration(s.wait.Load()), time.Millisecond)
	case feed.Refused, feed.Ended: // all streams of the feed end together
		return a.back.crowd(a.watch.count())
	case feed.Lifetime:
		return a.back.usual()
	}
	return 0
}
