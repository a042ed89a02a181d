package stream

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
)

const (
	// exitWait is how long an exit waits for streams: until the last watchdog has noticed it, and the last
	// writes are over.
	exitWait = look/ExitLooks + exitWrite + exitFlush
	// exitFlush is the time for the server to end its answers after their handlers have returned.
	exitFlush = 200 * time.Millisecond
)

// streaming counts the streams of all bridges of the process.
var streaming atomic.Int64

// At exit Caddy waits only for the streams of its last configuration. Those of earlier ones have last writes
// too.
func init() {
	caddy.OnExit(func(ctx context.Context) {
		if streaming.Load() > 0 {
			awaitStreams(ctx)
		}
	})
}

// awaitStreams waits for the end of all streams, at most for exitWait.
func awaitStreams(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, exitWait)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	flushed := time.Duration(0)
	for flushed < exitFlush {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if streaming.Load() == 0 {
			flushed += 10 * time.Millisecond
		}
	}
}
