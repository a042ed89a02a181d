// Package suggest examines an unknown endpoint, and suggests a block with which an sse_bridge can poll it.
// It makes only GET requests. It tests what it can: a query parameter is accepted as the cursor only if
// the answer contains what came after the cursor.
package suggest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

const (
	hold   = 2 * time.Second  // how long an answer is waited for, except the first
	listen = 15 * time.Second // how long one that goes on is read
)

// For looks at an endpoint and returns the block that fits it best. The error says why there is none.
func For(ctx context.Context, e Endpoint) (*Block, error) {
	e.Hold, e.Listen = cmp.Or(e.Hold, hold), cmp.Or(e.Listen, listen)
	f := &findings{Endpoint: &e}
	if err := f.look(ctx); err != nil {
		if ctx.Err() != nil || !f.distrusted(err) {
			return nil, withHint(err, trial.Hint(trial.Evidence{Err: err}))
		}
	} else if err := f.usable(); err != nil {
		return nil, err
	}
	b, err := f.block(ctx)
	if err != nil {
		return nil, err
	}
	requests := shape.Count(e.asked, "request")
	if e.asked == 1 {
		requests = "one request"
	}
	b.Notes = append(b.Notes, fmt.Sprintf("suggested after %s; to try it: caddy sse-bridge try %s --caddyfile Caddyfile", requests, b.Path))
	return b, nil
}
