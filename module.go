// Package ssebridge is a Caddy HTTP handler that turns an endpoint which browsers poll or
// long-poll into a stream of server-sent events. The endpoint does not change. The bridge polls
// it and makes events of its answers. Each event has an id that is made from the endpoint's own
// cursor, so a client that reconnects with Last-Event-ID continues exactly where it stopped.
package ssebridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/admin"
	"github.com/sse-bridge/caddy-sse-bridge/internal/app" // also for the global option
	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	_ "github.com/sse-bridge/caddy-sse-bridge/internal/cli" // the command `caddy sse-bridge`
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/cors"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

func init() {
	caddy.RegisterModule(Handler{})
	httpcaddyfile.RegisterHandlerDirective(config.Directive, parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder(config.Directive, httpcaddyfile.After, "encode")
}

// Handler polls its upstream, and sends the events to each client that asks for
// `text/event-stream`, as a stream. All other requests go to the same upstream unchanged.
//
// A poll is the client's own request with the edits below. Of the client's headers, it has only
// Authorization, Cookie, Accept-Language, those that an edit adds, and the scheme and host that a
// trusted proxy reports. Placeholders of the client in the upstream's handlers are resolved when
// the client connects. Clients whose polls would be the same request share the polls.
//
// A **value** is a [gjson path](https://github.com/tidwall/gjson/blob/master/SYNTAX.md). If it
// contains a placeholder with a dot in its name, it is a template. If it begins with `=`, the rest
// is a literal. JSON strings are unquoted; everything else is left as it is written. Besides all
// placeholders of Caddy, there are:
//
// Placeholder | Description
// ------------|---------------
// `{sse.cursor}` | The upstream's cursor. It may be followed by `+N` or `-N`, which adds or subtracts an integer of any size.
// `{sse.cursor.NAME}` | The cursor with this name; `+N` and `-N` as above.
// `{sse.id}` | A UUID that is the same for all polls of one sequence.
// `{sse.seq}` | The number of polls so far.
// `{sse.status}` | The status of the answer.
// `{sse.header.*}` | A header field of the answer.
// `{sse.body}` | The body of the answer.
// `{sse.body.*}` | The result of a gjson path in the body.
// `{sse.item}` | The item that becomes an event.
// `{sse.item.*}` | The result of a gjson path in the item.
//
// The last six belong to an answer. They can be used in values, but not in the edits of a poll.
type Handler struct {
	config.Config

	key      string // of the bridge
	bridge   *bridge.Bridge
	instance *bridge.Instance
	cors     cors.Origins
	leave    func() error // the cluster; nil: the bridge is in none
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.sse_bridge",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision joins the bridge of this configuration, or creates it. Polling begins with the first
// client.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.instance = &bridge.Instance{Logger: ctx.Logger(), Access: ctx.Logger(&caddyhttp.App{}), Ctx: ctx}
	plan, err := h.Compile()
	if err != nil {
		return err
	}
	for _, warning := range plan.Warnings() {
		h.instance.Logger.Warn("upstream: " + warning)
	}
	if empty := plan.Empty(); empty != "" {
		h.instance.Logger.Warn(empty)
	}
	key, err := config.Fingerprint(&h.Config) // before the routes are loaded, which empties them
	if err != nil {
		return err
	}
	if err := h.provisionCluster(ctx, plan); err != nil {
		return err
	}
	if err := h.provisionRoutes(ctx, plan.Hosts); err != nil {
		return err
	}
	h.cors = cors.Origins(h.CORS)
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		stream.Prepare(server)
	}

	if server, err := ctx.AppIfConfigured("http"); err == nil {
		h.instance.Http, _ = server.(*caddyhttp.App)
	}
	events, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("getting Caddy's events, to learn when the configuration starts and stops: %w", err)
	}
	h.instance.Events = events.(*caddyevents.App)
	for _, name := range []string{"started", "stopping"} {
		if err := h.instance.Events.On(name, lifeListener{h}); err != nil {
			return fmt.Errorf("listening for the configuration's event %q: %w", name, err)
		}
	}

	if h.bridge, err = bridge.Load(key, h.Name, plan); err != nil {
		return err
	}
	h.key = key
	h.bridge.Add(h.instance)
	return admin.Collect(ctx.GetMetricsRegistry(), h.bridge)
}

// provisionCluster finds the cluster that the nodes are, if they are one.
func (h *Handler) provisionCluster(ctx caddy.Context, plan *config.Plan) error {
	if plan.Alone {
		return nil
	}
	configured, err := ctx.AppIfConfigured(app.Name)
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil
	}
	if err != nil {
		return err
	}
	h.instance.Member, h.leave = configured.(*app.App).Hold()
	if unshared := plan.Unshared(); unshared != "" && h.instance.Member != nil {
		h.instance.Logger.Warn(fmt.Sprintf("cluster: a block with `%s` is not shared, so each node polls for itself: `cluster off` says that this is meant", unshared))
	}
	return nil
}

// provisionRoutes sets up the routes that answer polls and steps.
func (h *Handler) provisionRoutes(ctx caddy.Context, hosts *config.Hosts) error {
	if err := h.Upstream.Provision(ctx); err != nil {
		return fmt.Errorf("setting up the upstream: %w", err)
	}
	polls := h.Upstream.Compile(upstream.NoRoute)
	h.instance.Routes = map[upstream.Kind]caddyhttp.Handler{upstream.KindPoll: polls}
	for i, step := range h.Steps() {
		which := upstream.Kind(i + 1)
		if h.instance.Routes[which] = polls; len(step.Upstream) == 0 {
			continue
		}
		if err := step.Upstream.Provision(ctx); err != nil {
			return fmt.Errorf("setting up the upstream of `%s`: %w", step.Name, err)
		}
		h.instance.Routes[which] = step.Upstream.Compile(upstream.NoRoute)
	}
	return h.provisionHosts(ctx, hosts)
}

// provisionHosts sets up the routes to further hosts, one for each scheme that a cursor may have.
func (h *Handler) provisionHosts(ctx caddy.Context, hosts *config.Hosts) error {
	if hosts == nil {
		return nil
	}
	for i, name := range hosts.Names {
		for _, https := range []bool{true, false} {
			if hosts.HTTPS && !https {
				continue
			}
			routes := hosts.Routes(i, https)
			if err := routes.Provision(ctx); err != nil {
				return fmt.Errorf("setting up the way to %s, a host of `hosts`: %w", name, err)
			}
			h.instance.Routes[upstream.KindOfHost(i, https)] = routes.Compile(upstream.NoRoute)
		}
	}
	return nil
}

// Cleanup leaves the bridge, which ends with its last instance, and then the cluster, which its feeds use.
func (h *Handler) Cleanup() (err error) {
	if h.bridge != nil { // otherwise provisioning has failed
		h.bridge.Remove(h.instance)
		err = bridge.Release(h.key)
	}
	if h.leave != nil {
		err = errors.Join(err, h.leave())
	}
	return err
}

// lifeListener tells a handler's bridge when the handler's configuration starts and stops.
type lifeListener struct{ h *Handler }

// Handle implements caddyevents.Handler.
func (l lifeListener) Handle(_ context.Context, e caddy.Event) error {
	switch e.Name() {
	case "started":
		l.h.bridge.Started(l.h.instance)
	case "stopping":
		l.h.bridge.Stopping(l.h.instance)
	}
	return nil
}

// Interface guards
var (
	_ caddy.Module                = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyevents.Handler         = lifeListener{}
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
