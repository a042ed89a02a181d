package bridge

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// Instance is a bridge in one configuration, from its provisioning to its cleanup.
type Instance struct {
	Logger *zap.Logger // of this configuration; it may be closed while streams continue
	Access *zap.Logger // of the HTTP app in this configuration, for lines of the access log
	Ctx    caddy.Context
	Events *caddyevents.App
	Http   *caddyhttp.App // nil if another app holds the handler
	Routes map[upstream.Kind]caddyhttp.Handler
	Member *cluster.Member // with whom polls are shared, until [Bridge.Remove] returns; nil: with nobody

	started, stopping bool // the configuration; guarded by bridge.mu
}
