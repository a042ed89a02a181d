package upstream

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// parting are the routes of a configuration that may end before the request does.
type parting struct {
	of     Routes
	routes caddyhttp.Handler
	server *caddyhttp.Server
}

// Routes implements Routes.
func (p parting) Routes(Kind) caddyhttp.Handler { return p.routes }

// LoggerOf implements Routes.
func (p parting) LoggerOf(r *Request) *zap.Logger { return p.of.LoggerOf(r) }

// NewestServer implements Routes.
func (p parting) NewestServer() *caddyhttp.Server { return p.server }
