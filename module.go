// Package ssebridge is a Caddy HTTP handler that turns an endpoint which browsers poll or
// long-poll into a stream of server-sent events. The endpoint does not change: the bridge polls
// it, makes events of what it answers, and gives every event an id made from the endpoint's own
// cursor, so that a client that reconnects with Last-Event-ID goes on exactly where it stopped.
package ssebridge

import (
	"context"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/admin"
	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	_ "github.com/sse-bridge/caddy-sse-bridge/internal/cli" // the command `caddy sse-bridge`
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/cors"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

func init() {
	caddy.RegisterModule(Handler{})
	httpcaddyfile.RegisterHandlerDirective(config.Directive, parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder(config.Directive, httpcaddyfile.After, "encode")
}

// Handler gives each client that asks for `text/event-stream` one stream of events, and gets them
// by polling its upstream. Every other request goes to the same upstream as it is.
//
// The poll is the client's own request with the edits below. Of the client's headers only
// Authorization, Cookie, Accept-Language and those that an edit adds go upstream, and what a
// trusted proxy says of scheme and host. Placeholders of the client in the upstream's handlers are
// resolved when it comes. Clients whose polls would be the same request share what the polls bring.
//
// A **value** is a [gjson path](https://github.com/tidwall/gjson/blob/master/SYNTAX.md), or a
// template if it holds a placeholder with a dot in its name, or, after `=`, a literal. Only JSON
// strings are unquoted; all else stays as it was written. Beside all of Caddy's own placeholders
// there are:
//
// Placeholder | Description
// ------------|---------------
// `{sse.cursor}` | The upstream's cursor. `+N` or `-N` behind it adds or subtracts an integer of any size.
// `{sse.cursor.NAME}` | The cursor of that name; `+N` and `-N` as above.
// `{sse.id}` | A UUID that stays the same from poll to poll of one sequence.
// `{sse.seq}` | How many polls there were so far.
// `{sse.status}` | The status of the answer.
// `{sse.header.*}` | A header field of the answer.
// `{sse.body}` | The body of the answer.
// `{sse.body.*}` | What a gjson path finds in the body.
// `{sse.item}` | The item that an event is made of.
// `{sse.item.*}` | What a gjson path finds in the item.
//
// The last six are known once there is an answer, so not in the edits of a poll.
type Handler struct {
	config.Config

	key      string // of the bridge
	bridge   *bridge.Bridge
	instance *bridge.Instance
	cors     cors.Origins
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.sse_bridge",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision joins the bridge of this configuration, or makes it. Nothing is polled before the
// first client.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.instance = &bridge.Instance{Logger: ctx.Logger(), Ctx: ctx}
	plan, err := h.Compile()
	if err != nil {
		return err
	}
	for _, warning := range plan.Warnings() {
		h.instance.Logger.Warn("upstream: " + warning)
	}
	key, err := config.Fingerprint(&h.Config) // before the routes are loaded, which empties them
	if err != nil {
		return err
	}
	if err := h.provisionRoutes(ctx); err != nil {
		return err
	}
	h.cors = cors.Origins(h.CORS)

	if app, err := ctx.AppIfConfigured("http"); err == nil {
		h.instance.Http, _ = app.(*caddyhttp.App)
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

// provisionRoutes sets up what answers polls and steps.
func (h *Handler) provisionRoutes(ctx caddy.Context) error {
	if err := h.Upstream.Provision(ctx); err != nil {
		return fmt.Errorf("setting up the upstream: %w", err)
	}
	polls := h.Upstream.Compile(upstream.NoRoute)
	h.instance.Routes = [...]caddyhttp.Handler{upstream.KindPoll: polls, upstream.KindOpen: polls, upstream.KindWait: polls}
	for _, step := range []struct {
		which upstream.Kind
		name  string
		*config.Step
	}{{upstream.KindOpen, "open", h.Open}, {upstream.KindWait, "wait", h.Wait}} {
		if step.Step == nil || len(step.Upstream) == 0 {
			continue
		}
		if err := step.Upstream.Provision(ctx); err != nil {
			return fmt.Errorf("setting up the upstream of `%s`: %w", step.name, err)
		}
		h.instance.Routes[step.which] = step.Upstream.Compile(upstream.NoRoute)
	}
	return nil
}

// Cleanup leaves the bridge, which ends with its last instance.
func (h *Handler) Cleanup() error {
	if h.bridge == nil {
		return nil // it was not provisioned to the end
	}
	h.bridge.Remove(h.instance)
	return bridge.Release(h.key)
}

// lifeListener tells a handler's bridge that the handler's configuration has started, or stops.
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
