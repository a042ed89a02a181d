package bridge

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// Observer sees all requests of a bridge, and their results.
type Observer interface {
	upstream.Watcher

	// Begin is told which request the polls of a client make.
	Begin(p *upstream.Request)
	// Through wraps routes, so that the observer sees what goes through them.
	Through(which upstream.Kind, routes caddyhttp.Handler) caddyhttp.Handler
	// Polled is called after each poll, never by two chains at the same time.
	Polled(p feed.Polled)
}

// WatchBy lets an observer see a bridge that has no client yet.
func (b *Bridge) WatchBy(o Observer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.observer, b.config.Polled = o, o.Polled
	b.poller.WatchBy(o)
	for _, i := range b.instances {
		for which, routes := range i.Routes {
			i.Routes[which] = o.Through(which, routes)
		}
	}
}
