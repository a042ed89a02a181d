package redis

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
)

// The waits between attempts to connect, and how long a link has lasted after which the next wait is the shortest again.
const (
	leastWait = 100 * time.Millisecond
	mostWait  = 2 * time.Second
	lasting   = 5 * time.Second
)

// keep connects until ctx ends. It warns once for each outage.
func (b *bus) keep(ctx context.Context) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = leastWait, mostWait
	warned := false
	for {
		var since time.Time // messages go both ways
		err := b.settings.use(ctx, b, func(address string) {
			b.proven()
			since = time.Now()
			if warned {
				b.logger.Info("connected to redis again", zap.String("address", address))
			} else {
				b.logger.Debug("connected to redis", zap.String("address", address))
			}
			warned = false
		})
		if ctx.Err() != nil {
			return
		}
		if !since.IsZero() && time.Since(since) > lasting {
			waits.Reset()
		}
		err = b.settings.advised(err)
		if warned {
			b.logger.Debug("redis is still away", zap.Error(err))
		} else {
			b.logger.Warn("redis is away: this node gets nothing from others, and tries again until it is back", zap.Error(err))
		}
		warned = true
		select {
		case <-ctx.Done():
			return
		case <-time.After(waits.NextBackOff()):
		}
	}
}
