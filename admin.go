package ssebridge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

func init() { caddy.RegisterModule(new(adminAPI)) }

const (
	// defaultListed is how many feeds are listed where nobody says how many.
	defaultListed = 1000
	// maxListed is how many may be asked for.
	maxListed = 100_000
)

// adminAPI tells operators, on Caddy's admin endpoint, how the feeds of all bridges are:
//
//	GET /sse_bridge/            a page that shows it, live
//	GET /sse_bridge/events      what the page shows, as an event stream
//	GET /sse_bridge/feeds       the feeds, those that are down first; ?limit= says how many, 1000 by default
//	GET /sse_bridge/feeds/{id}  one of them
//
// There are no values of headers and queries in it, and so no secrets of clients.
type adminAPI struct {
	ctx    caddy.Context
	shared snapshots
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

// reads is a handler that only tells something.
func reads(handler caddy.AdminHandlerFunc) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			return apiError(http.StatusMethodNotAllowed, "the method %s changes nothing here: use GET", r.Method)
		}
		w.Header().Set("Cache-Control", "no-store")
		return handler(w, r)
	})
}

func apiError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// overview is the answer to /sse_bridge/feeds.
type overview struct {
	Time    time.Time      `json:"time"`
	Total   reportedTotal  `json:"total"`
	Bridges []reportedUnit `json:"bridges"`
	Feeds   []report       `json:"feeds"`
}

// reportedTotal is what all bridges have counted together.
type reportedTotal struct {
	Feeds      int64 `json:"feeds"`
	FeedsDown  int64 `json:"feeds_down"`
	Clients    int64 `json:"clients"`
	Chains     int64 `json:"chains"`
	LogBytes   int64 `json:"log_bytes"`
	Polls      int64 `json:"polls"`
	Errors     int64 `json:"errors"`
	PollsSaved int64 `json:"polls_saved"`
	Events     int64 `json:"events"`
	Deliveries int64 `json:"deliveries"`
	Bytes      int64 `json:"delivered_bytes"`
}

// reportedUnit is what one bridge has counted.
type reportedUnit struct {
	Bridge string `json:"bridge"`
	reportedTotal
}

func newTotal(t *tally) reportedTotal {
	total := reportedTotal{
		Feeds: t.feeds, FeedsDown: t.Down, Clients: t.clients, Chains: t.Chains, LogBytes: t.logBytes,
		PollsSaved: t.Saved, Events: t.Events, Deliveries: t.deliveries, Bytes: t.bytes,
	}
	for i, outcome := range feed.Outcomes {
		total.Polls += t.Polls[i]
		if outcome == feed.Failed || outcome == feed.Declined {
			total.Errors += t.Polls[i]
		}
	}
	return total
}

// survey returns how all feeds are, the most urgent ones first, and at most so many of them.
func survey(limit int) overview {
	o := overview{Time: time.Now().UTC(), Bridges: []reportedUnit{}, Feeds: []report{}}
	all := &tally{}
	for _, b := range allBridges() {
		t := b.tally()
		all.add(t)
		o.Bridges = append(o.Bridges, reportedUnit{b.name, newTotal(t)})
		o.Feeds = append(o.Feeds, b.reports()...)
	}
	o.Total = newTotal(all)
	slices.SortFunc(o.Bridges, func(a, b reportedUnit) int { return strings.Compare(a.Bridge, b.Bridge) })
	slices.SortFunc(o.Feeds, byUrgency)
	o.Feeds = o.Feeds[:min(len(o.Feeds), limit)]
	return o
}

func (a *adminAPI) serveFeeds(w http.ResponseWriter, r *http.Request) error {
	limit := defaultListed
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxListed {
			return apiError(http.StatusBadRequest, "limit: it must be a number from 0 to %d", maxListed)
		}
		limit = n
	}
	return writeJSON(w, survey(limit))
}

func (a *adminAPI) serveFeed(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, b := range allBridges() {
		if f, about := b.feedOf(id); f != nil {
			return writeJSON(w, newReport(about, f.Status()))
		}
	}
	return apiError(http.StatusNotFound, "there is no feed of that id: /sse_bridge/feeds lists those that there are")
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
