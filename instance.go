package ssebridge

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// instance is a bridge in one configuration, from its provisioning to its cleanup.
type instance struct {
	logger *zap.Logger // of this configuration, which may be closed while streams go on
	ctx    caddy.Context
	events *caddyevents.App
	http   *caddyhttp.App       // nil if another app holds the handler
	routes [3]caddyhttp.Handler // by [request]

	started, stopping bool // the configuration; guarded by bridge.mu
}
