// Package suggest examines an unknown endpoint, and suggests a block with which an sse_bridge can poll it.
// It makes the requests that a page makes, and by itself only GET. It tests what it can: a query parameter is accepted as the cursor only if
// the answer contains what came after the cursor.
package suggest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

const (
	hold   = 2 * time.Second  // how long an answer is waited for, except the first
	listen = 15 * time.Second // how long one that goes on is read
	apart  = 3 * time.Second  // how far readings are apart
)

// For looks at an endpoint and returns the block that fits it best. The error says why there is none.
func For(ctx context.Context, e Endpoint) (*Block, error) {
	e.Hold, e.Listen, e.Apart = cmp.Or(e.Hold, hold), cmp.Or(e.Listen, listen), cmp.Or(e.Apart, apart)
	e.login()
	f := &findings{Endpoint: &e}
	if err := f.look(ctx); err != nil {
		if ctx.Err() != nil || !f.distrusted(err) {
			return nil, withHint(err, f.unanswered(err))
		}
	} else if err := f.usable(); err != nil {
		return nil, err
	}
	b, err := f.block(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.ownHost(ctx, b); err != nil {
		return nil, err
	}
	b.others()
	requests := shape.Count(e.asked, "request")
	if e.asked == 1 {
		requests = "one request"
	}
	b.Notes = append(b.Notes, fmt.Sprintf("suggested after %s; to try it: caddy sse-bridge try %s --caddyfile Caddyfile", requests, b.Path))
	return b, nil
}
