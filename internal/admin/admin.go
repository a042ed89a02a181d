// Package admin shows operators the state of the bridges: the admin API, its status page, and the metrics.
package admin

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
)

func init() { caddy.RegisterModule(new(adminAPI)) }

const (
	// defaultListed is how many feeds are listed by default.
	defaultListed = 1000
	// maxListed is the maximum of ?limit=.
	maxListed = 100_000
)

// adminAPI shows operators the state of all feeds, on Caddy's admin endpoint:
//
//	GET /sse_bridge/            a page that shows it, live
//	GET /sse_bridge/events      what the page shows, as an event stream; with the parameters of the next one
//	GET /sse_bridge/feeds       the feeds, those that are down first; ?limit=, ?offset=, ?sort= and ?filter= say which
//	GET /sse_bridge/feeds/{id}  one of them
//
// It contains no values of headers or queries, so no secrets of clients.
type adminAPI struct {
	ctx    caddy.Context
	shared surveys
}

// CaddyModule returns the Caddy module information.
func (*adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.sse_bridge", New: func() caddy.Module { return new(adminAPI) }}
}

// Provision implements caddy.Provisioner.
func (a *adminAPI) Provision(ctx caddy.Context) error {
	a.ctx = ctx
	return nil
}

// Routes implements caddy.AdminRouter.
func (a *adminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/sse_bridge/", Handler: reads(a.servePage)},
		{Pattern: "/sse_bridge/events", Handler: reads(a.serveEvents)},
		{Pattern: "/sse_bridge/feeds", Handler: reads(a.serveFeeds)},
		{Pattern: "/sse_bridge/feeds/{id}", Handler: reads(a.serveFeed)},
	}
}

// reads wraps a handler that only reads.
func reads(handler caddy.AdminHandlerFunc) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			return apiError(http.StatusMethodNotAllowed, "the method %s is not allowed: use GET", r.Method)
		}
		w.Header().Set("Cache-Control", "no-store")
		return handler(w, r)
	})
}

func apiError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

func (a *adminAPI) serveFeeds(w http.ResponseWriter, r *http.Request) error {
	v, err := newView(r.URL.Query(), defaultListed, maxListed)
	if err != nil {
		return apiError(http.StatusBadRequest, "%w", err)
	}
	return writeJSON(w, survey().seen(v))
}

func (a *adminAPI) serveFeed(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, b := range bridge.All() {
		if f, about := b.FeedOf(id); f != nil {
			return writeJSON(w, bridge.NewReport(about, f.Status()))
		}
	}
	return apiError(http.StatusNotFound, "unknown feed id: /sse_bridge/feeds lists all feeds")
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// Interface guards
var (
	_ caddy.Module      = (*adminAPI)(nil)
	_ caddy.Provisioner = (*adminAPI)(nil)
	_ caddy.AdminRouter = (*adminAPI)(nil)
)
