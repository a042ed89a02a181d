package ssebridge

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Observer sees all that a bridge asks, and what comes of it.
type Observer interface {
	// begin is told which request the polls of a client make.
	begin(p *pollRequest)
	// through returns routes that the observer sees what goes through them, in the place of some.
	through(which request, routes caddyhttp.Handler) caddyhttp.Handler
	// polled is told of a poll by the chain that made it, and by one at a time.
	polled(p feed.Polled)
}

// watchBy lets an observer see a bridge that has no client yet.
func (b *bridge) watchBy(o Observer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.observer, b.config.Polled = o, o.polled
	for _, i := range b.instances {
		for which, routes := range i.routes {
			i.routes[which] = o.through(request(which), routes)
		}
	}
}
