// Package app is the Caddy app `sse_bridge`: what is common to all bridges of a node, which is the cluster.
package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"go.uber.org/zap"

	bus "github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/admin"
	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/membership"
)

// Name is the name of the app, and of the global option.
const Name = "sse_bridge"

func init() {
	caddy.RegisterModule(App{})
	httpcaddyfile.RegisterGlobalOption(Name, parseGlobalOption)
}

// App has what all handlers `sse_bridge` of a node have in common. Without it, each node polls for itself.
type App struct {
	// The engine that connects the nodes of a cluster. Of the nodes that have the same block `sse_bridge`, one polls
	// for all. An engine that cannot be reached is no error: each node polls for itself until it can. The
	// connection outlives a reload that does not change this. Default: none; this node is alone.
	ClusterRaw json.RawMessage `json:"cluster,omitempty" caddy:"namespace=sse_bridge.cluster inline_key=engine"`

	logger     *zap.Logger
	membership *membership.Membership // nil without a cluster
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: Name, New: func() caddy.Module { return new(App) }}
}

// Provision joins the cluster, or finds that the configuration before has joined it.
func (a *App) Provision(ctx caddy.Context) error {
	if len(a.ClusterRaw) == 0 {
		return nil
	}
	name, err := engineOf(a.ClusterRaw)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	var key bytes.Buffer
	if err := json.Compact(&key, a.ClusterRaw); err != nil { // before the module is loaded, which empties it
		return fmt.Errorf("cluster: reading its JSON: %w", err)
	}
	module, err := ctx.LoadModule(a, "ClusterRaw")
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	engine, ok := module.(bus.Engine)
	if !ok {
		return fmt.Errorf("cluster: the module %s is not a cluster.Engine, but %T: build Caddy with an engine for this version of sse_bridge", moduleID(name), module)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("cluster: getting the host name, which is the name of this node: %w", err)
	}
	a.logger = ctx.Logger()
	joined, isNew, err := membership.Join(key.String(), engine, host, version(), a.logger)
	if err != nil {
		return err
	}
	a.membership = joined
	if isNew {
		a.logger.Info("joined the cluster", zap.String("engine", name), zap.String("node", host), zap.String("node_id", joined.Member.Status().ID))
	}
	return admin.CollectCluster(ctx.GetMetricsRegistry(), joined.Member)
}

// engineOf returns the name of the engine. Its errors do not show the JSON, which may hold a password.
func engineOf(raw json.RawMessage) (string, error) {
	var settings struct {
		Engine string `json:"engine"`
	}
	if err := json.Unmarshal(raw, &settings); err != nil {
		return "", errors.New("it must be an object with the name of an engine in `engine`, and the engine's settings")
	}
	if settings.Engine == "" {
		return "", errors.New("the engine is missing: name it in `engine`, such as \"nats\"")
	}
	return settings.Engine, checkEngine(settings.Engine)
}

// Member is this node in the cluster; nil without a cluster. It is valid until Cleanup; [App.Hold] is for longer.
func (a *App) Member() *cluster.Member {
	if a.membership == nil {
		return nil
	}
	return a.membership.Member
}

// Hold returns the member, and keeps it from being closed until release is called, once: Caddy may clean up the app
// before those who use it. Without a cluster the member is nil, and release does nothing.
func (a *App) Hold() (member *cluster.Member, release func() error) {
	if a.membership == nil {
		return nil, func() error { return nil }
	}
	a.membership.Hold()
	return a.membership.Member, a.membership.Release
}

// Start implements caddy.App.
func (a *App) Start() error { return nil }

// Stop implements caddy.App.
func (a *App) Stop() error { return nil }

// Cleanup leaves the cluster, unless the next configuration, or a handler of this one, has the same member.
func (a *App) Cleanup() error {
	if a.membership == nil {
		return nil // there is none, or provisioning has failed
	}
	return a.membership.Leave(a.logger)
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Module       = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
