package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// The defaults that the documentation of the fields promises.
const (
	defaultInterval  = 2 * time.Second
	defaultHold      = time.Minute
	defaultTimeout   = 30 * time.Second
	defaultSilence   = time.Minute
	noSilence        = -1 // of the configuration: any silence is good
	timeoutAboveHold = 10 * time.Second
	DefaultKeepalive = 15 * time.Second
	DefaultRetry     = 3 * time.Second
	defaultReplay    = 1000
	DefaultLinger    = 5 * time.Second
)

var DefaultLimits = Limits{Feeds: 10_000, Chains: 8, Polls: 64, Streams: 1000, Response: 8 << 20, Log: 64 << 20}

// Plan is a configuration that has been checked, with its strings parsed and its defaults
// applied.
type Plan struct {
	routes *routesRead // the routes of the upstream
	Wants  Wants       // what the routes take from a client's request
	Unset  []string    // variables of the environment that the block has placeholders for, and that are not set or empty

	Method  value.Template // zero: the client's own
	Cookies *[]string      // nil: all of the client's

	RewritePath   value.Template // zero: the client's own path
	RewriteQuery  value.Template
	RewritesQuery bool   // false: the client's own query
	FollowsCursor bool   // the rewrite is only a cursor, which is a URL
	Hosts         *Hosts // where such a URL may lead, beside the block's own host; nil: nowhere

	Query    []PlannedEdit
	HeaderUp []PlannedEdit  // names in their canonical form
	Body     value.Template // zero: none
	BodyType string

	IntervalMin, IntervalMax time.Duration
	Hold                     time.Duration // 0: no long polling
	Stream                   bool          // answers go on
	Silence                  time.Duration // of such an answer, after which it is asked for anew; 0: any
	Timeout                  time.Duration
	Alone                    bool // each node polls for itself, even in a cluster

	Diff             bool // documents, or the changed items of sets, are sent as patches
	Page             page.Config
	Reader           *page.Reader
	CursorNames      []string                  // as in page.Reader.Cursors
	ValidatorCursors bool                      // the cursors are ETag and Last-Modified
	LastEventID      bool                      // the cursor is an event id, which goes back in Last-Event-ID
	Start            map[string]string         // by the name of the cursor
	ClearedCursors   []string                  // the names of those that an answer may clear
	Matching         map[string]*regexp.Regexp // what a cursor of a client may be, all of it, by the name; none: anything

	Forgetful bool // the upstream forgets events that were polled
	Replay    int  // events in a log
	Linger    time.Duration

	Keepalive, Retry time.Duration
	Lifetime         time.Duration // 0: none
	Notify           bool
	Notices          Notices
	Limits           Limits

	Steps []*Plan // in the order of [Config.Steps]

	// of a step
	Kind      StepKind
	Name      string            // in messages
	Number    int               // its place among the steps, from 1; 0 for the polls
	Elsewhere bool              // it has an upstream of its own, or is a poll at another host
	Beat      time.Duration     // it is made again after this time; 0: it is not
	When      []value.Condition // it is made only if one of these holds; none: always
}

// Of returns the steps of a kind, in their order.
func (c *Plan) Of(kind StepKind) (steps []*Plan) {
	for _, s := range c.Steps {
		if s.Kind == kind {
			steps = append(steps, s)
		}
	}
	return steps
}

// Only returns the step of a kind of which there is at most one; nil: there is none.
func (c *Plan) Only(kind StepKind) *Plan {
	for _, s := range c.Of(kind) {
		return s
	}
	return nil
}

// Holds reports whether the upstream holds requests until there is news.
func (c *Plan) Holds() bool {
	wait := c.Only(KindWait)
	return c.Stream || c.Hold > 0 || wait != nil && wait.Hold > 0
}

// Unshared names the subdirective because of which a cluster does not share the block's polls; empty: it does.
// With `replay` a poll takes events away from those of other nodes, and the answer of a `stream` has no end to tell.
func (c *Plan) Unshared() string {
	switch {
	case c.Forgetful:
		return "replay"
	case c.Stream:
		return "stream"
	}
	return ""
}

// Epochs reports whether `open` tells which run of the upstream it is.
func (c *Plan) Epochs() bool {
	return slices.ContainsFunc(c.Of(KindOpen), func(s *Plan) bool { return !s.Page.Epoch.IsZero() })
}

// Unsent reports whether all polls are the same, except for validators. If each answer is a message, its
// validators decide which one follows, so polls differ.
func (c *Plan) Unsent() bool {
	return c.Page.Unsent && !(c.ValidatorCursors && c.Page.Format == page.Message)
}

// Counts reports whether polls send how many requests their session has made.
func (c *Plan) Counts() bool {
	return slices.ContainsFunc(slices.Concat(c.Query, c.HeaderUp), func(e PlannedEdit) bool { return e.Value.ReadsCount() }) ||
		c.RewritePath.ReadsCount() || c.RewriteQuery.ReadsCount() || c.Body.ReadsCount()
}

// CursorParameters are the names of the query parameters that contain cursors.
func (c *Plan) CursorParameters() []string {
	var names []string
	for _, e := range c.Query {
		if len(e.Value.Cursors()) > 0 {
			names = append(names, e.Name)
		}
	}
	return names
}

type PlannedEdit struct {
	Name  string
	Del   bool
	Value value.Template // zero: the empty text
}

// Always reports whether no poll skips the edit.
func (e PlannedEdit) Always() bool { return len(e.Value.Cursors()) == 0 }

// OwnHeaders are the header fields that polls set themselves, in their canonical form.
func (c *Plan) OwnHeaders() []string { return c.owns().headers }

// owns returns the parts that polls set themselves: fields of the bridge, fields that are kept from the
// client's header, and edits.
func (c *Plan) owns() owner {
	own := owner{headers: []string{"Accept", "Accept-Language", "Content-Type", "If-Modified-Since", "If-None-Match", "X-Requested-With"}}
	if !c.Elsewhere {
		own.headers = append(own.headers, "Authorization", "Cookie")
	}
	for _, e := range c.HeaderUp {
		own.headers = append(own.headers, e.Name)
	}
	own.cookie = func(name string) bool {
		return !c.Elsewhere && (c.Cookies == nil || slices.ContainsFunc(*c.Cookies, func(kept string) bool { return strings.EqualFold(kept, name) }))
	}
	return own
}

// Warnings are the warnings of the upstream and of the steps, each once.
func (c *Plan) Warnings() (all []string) {
	for _, plan := range append([]*Plan{c}, c.Steps...) {
		for _, warning := range plan.Wants.Warnings {
			if !slices.Contains(all, warning) {
				all = append(all, warning)
			}
		}
	}
	return all
}

// Empty says which of the block's placeholders are empty because of [Plan.Unset], and what to do; empty: none is.
func (c *Plan) Empty() string {
	switch all := c.EmptyPlaceholders(); len(all) {
	case 0:
		return ""
	case 1:
		return all[0] + " is empty: set it in Caddy's environment"
	default:
		return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1] + " are empty: set them in Caddy's environment"
	}
}

// EmptyPlaceholders are the placeholders of [Plan.Unset].
func (c *Plan) EmptyPlaceholders() (all []string) {
	for _, name := range c.Unset {
		all = append(all, "{env."+name+"}")
	}
	return all
}
