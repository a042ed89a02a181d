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
	"go.uber.org/zap"
)

func init() {
	caddy.RegisterModule(Handler{})
	httpcaddyfile.RegisterHandlerDirective(directive, parseCaddyfile)
	httpcaddyfile.RegisterDirectiveOrder(directive, httpcaddyfile.After, "encode")
}

const directive = "sse_bridge"

// shortKey is how many digits of a bridge's key name it that has no name.
const shortKey = 8

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
	// The routes that answer the polls, and the requests that do not ask for an event stream.
	// They must not lead to another `sse_bridge`, and hold no placeholder that differs for each
	// request. Required.
	Upstream caddyhttp.RouteList `json:"upstream,omitempty"`

	// The HTTP method of the polls. Default: the client's own, which is GET or POST. Accepts placeholders.
	Method string `json:"method,omitempty"`

	// The URI of the polls, which begins with `/`, `?` or a placeholder. If it has a `?`, the
	// query of the client's request is replaced, and else kept; the edits of `query` follow.
	// It is skipped while a cursor that it holds is still unknown. Default: the client's own
	// URI. Accepts placeholders.
	Rewrite string `json:"rewrite,omitempty"`

	// The edits of the poll's query, in their order. An edit is skipped while a cursor that it
	// holds is still unknown, so that the first poll is what the client asked. The values
	// accept placeholders.
	Query []Edit `json:"query,omitempty"`

	// The edits of the poll's header, in their order, and skipped as those of `query` are. The
	// values accept placeholders. What concerns one connection alone, and `Host`, cannot be
	// edited.
	HeaderUp []Edit `json:"header_up,omitempty"`

	// The names of the client's cookies that polls keep. An empty list keeps none, which makes
	// one feed of all who differ in nothing else. Default: all cookies.
	Cookies *[]string `json:"cookies,omitempty"`

	// The body of the polls. It is skipped while a cursor that it holds is still unknown.
	// Default: none.
	Body *Body `json:"body,omitempty"`

	// A request before the first poll of a sequence, and again where the upstream has lost the
	// position, for a first cursor, a key or a session. Default: none.
	Open *Step `json:"open,omitempty"`

	// A request between polls, which says whether there is something to poll for. It is not made
	// before the first poll, nor where `more` asks for the next one. Default: none.
	Wait *Step `json:"wait,omitempty"`

	// How far apart the starts of polls are. In long polling this holds only after an answer
	// without news that came in less than a second. Default: 2s, always.
	Interval *Interval `json:"interval,omitempty"`

	// For how long the upstream holds a poll until there is news. If it is given, a new poll
	// follows each answer at once. Default: 0, which is no long polling; the Caddyfile's
	// `long_poll` without a value is 60s.
	LongPoll caddy.Duration `json:"long_poll,omitempty"`

	// For how long a poll may take. After that it is no news in long polling, and an error
	// otherwise. Default: 30s, or 10s more than `long_poll`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How an answer is read. Default: `auto`. What is not in its format is an error, never an
	// event.
	//
	// Format | The answer
	// -------|-----------
	// `auto` | JSON if it is JSON, whatever its Content-Type says, and else text.
	// `json` | JSON, behind a guard such as `for(;;);` too.
	// `jsonp` | JSON as the argument of a JavaScript call, or by itself.
	// `xml` | XML, which is read as JSON: an element is a member of its parent's object by its name without prefix; several of one name are an array; an element without attributes and children is its text, as a string; `-` stands before the names of attributes, and `#text` (in quotes, in a Caddyfile) is the text beside them.
	// `feed` | RSS, Atom or JSON Feed. Each entry is an item, with `guid`, `title`, `link`, `description`, `content`, `published`, `updated`, `authors`, `categories` and more, whichever kind of feed it is.
	// `csv` | A table. Each row is an item: an array of strings, or, with `header`, an object of strings.
	// `lines` | Text. Each line is an item, the last one whether it is ended or not. Paths find something in lines that are JSON.
	// `text` | Text, even if it looks like JSON.
	// `message` | One event, which is compared with none before.
	Format string `json:"format,omitempty"`

	// What stands between items in the format `lines`. Default: LF or CRLF. In the format `csv`,
	// the one character that stands between cells. Default: a comma.
	Separator string `json:"separator,omitempty"`

	// Whether the first row of each answer names the columns, in the format `csv`. Rows are
	// objects then. Default: false.
	Header bool `json:"header,omitempty"`

	// The gjson path of the items in an answer; `@this` is the answer itself. Each item becomes
	// one event. Without it, and without `id`, the whole answer is one event that is sent
	// whenever it changes. Default: none; in the formats `feed` and `csv`, the entries and rows.
	Items string `json:"items,omitempty"`

	// The value that identifies an item, looked up in the item. If there is no `cursor`, the
	// last item's id is the cursor. Without `items`, it makes the answer itself the list.
	// Default: none.
	ID string `json:"id,omitempty"`

	// The type of the events, which is what `addEventListener` listens for. Default: none,
	// which is `message`.
	Event *Type `json:"event,omitempty"`

	// The value that is an event's data, looked up in the item, or in the body where there are
	// no items. Default: the whole item or body.
	Data string `json:"data,omitempty"`

	// Where an answer holds the position of the next poll, looked up in the body. Each cursor
	// must be sent by `rewrite`, `query`, `header_up` or `body`, as `{sse.cursor}` or
	// `{sse.cursor.NAME}`. Default: the last item's `id`; without one, the answer's ETag and
	// Last-Modified.
	Cursor []Cursor `json:"cursor,omitempty"`

	// What the cursors are in the polls of a client that comes without a position, by the name
	// of the cursor; the empty name is that of `{sse.cursor}`. Default: none, so that what
	// holds the cursor is skipped.
	Start map[string]string `json:"start,omitempty"`

	// A value that changes when the upstream starts over, such as the start time of its
	// process, looked up in the body. Clients are told so by a `bridge.reset` then. It is part
	// of the event ids. Default: none.
	Epoch string `json:"epoch,omitempty"`

	// In which order items come: `newest_first` (they are reversed; where nothing sends the cursor,
	// its own item is expected among them, or there is a gap), `by_id` (they are sorted
	// by their ids as numbers, and those that are not above the cursor are dropped), or
	// `overlap` (the cursor's own item is expected among them, and they are dropped through
	// it). Default: oldest first, with the last item's id as the cursor.
	Order string `json:"order,omitempty"`

	// The statuses that are answers, beside those from 200 to 299. Default: none.
	Accept []int `json:"accept,omitempty"`

	// The items that make no event: those for which any of these holds. They count otherwise: the
	// cursor moves on behind them. The values are looked up in the item; where there are no items,
	// in the body, and a body that is ignored is no news. An answer that is ignored whatever is in
	// it, by `{sse.status} 409`, say, need not be in the format. Default: none.
	Ignore []Condition `json:"ignore,omitempty"`

	// There is more to be had at once where any of these holds, so that the next poll is not waited
	// for. The values are looked up in the body. Default: none.
	More []Condition `json:"more,omitempty"`

	// The upstream does not know the position any more where any of these holds, in whatever it
	// answers, refusals and errors too: `{sse.status} 410`, say. Clients are told so by a
	// `bridge.reset`. The values are looked up in the body; a path holds for nothing but JSON.
	// Default: none.
	Reset []Condition `json:"reset,omitempty"`

	// There will never be more events where any of these holds in an answer: the streams end. The
	// values are looked up in the body. Default: none.
	End []Condition `json:"end,omitempty"`

	// A value that is the least time until the next poll, in seconds and an hour at most, such as
	// `parameters.retry_after`; looked up in the body, of errors too: a 4xx that has it is no
	// refusal. It can only lengthen the wait, as `Retry-After` and `X-Poll-Interval` in the
	// header do always. Default: none.
	RetryAfter string `json:"retry_after,omitempty"`

	// A [jq](https://jqlang.org) program that reads the answer, for what paths cannot say. It is
	// given `{status, headers, body}`, the names of the headers in lower case, and yields events
	// as `{id, event, data}`, of which only `data` must be there, and cursors as `{cursor}`, a
	// text or an object of texts by name. Without a word of `cursor` in it, the last event's id
	// is the cursor. It is stopped after a second or five million steps, and may yield 10,000
	// objects. Not with `items`, `id`, `event`, `data`, `cursor` and `order`, whose place it takes,
	// and not with `diff`. Default: none.
	JQ string `json:"jq,omitempty"`

	// How a document that changes is sent: `json_patch` (RFC 6902) sends it once, as an event
	// `snapshot`, and then what has changed, as events `patch`; and a snapshot where a patch would
	// be longer. An answer that is no JSON is an error then, in the format `auto` too. Default: none,
	// which sends it whole each time.
	Diff string `json:"diff,omitempty"`

	// Set for an upstream that forgets what it has once answered, because polling acknowledges
	// it: how much of the recent events is kept for clients that come back, and for how long
	// after the last one. There is a single poller then, and no client's id goes upstream.
	// Default: none; 1,000 events are kept, and for 5s after the last client.
	Replay *Replay `json:"replay,omitempty"`

	// After how much silence a stream gets a comment, so that nothing on the way closes it.
	// Default: 15s.
	Keepalive caddy.Duration `json:"keepalive,omitempty"`

	// How long clients are asked to wait until they reconnect, give or take 20 %. Default: 3s.
	Retry caddy.Duration `json:"retry,omitempty"`

	// For how long a stream may last. It ends between 80 and 100 % of this, after what was sent last,
	// and its client goes on from there with a new request, which is authenticated anew. Default: 0,
	// which is no end.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// Whether clients get an event `bridge.upstream` when the upstream goes down and when it is
	// back, `{"state":"down","reason":"status 503"}` and `{"state":"up"}`; who comes while it is
	// down gets the first at once. Default: false, which is comments alone.
	Notify bool `json:"notify,omitempty"`

	// The origins of other sites whose scripts may read the streams, with credentials, such as
	// `https://app.example.com`; or `*` alone for all, without credentials. Default: none.
	CORS []string `json:"cors,omitempty"`

	// What the bridge is called in metrics, logs, events and the admin API: 1 to 64 letters, digits,
	// dots, dashes and underscores. Bridges of one name are counted together. Default: the first
	// digits of a hash of the configuration, which changes with it.
	Name string `json:"name,omitempty"`

	// The bounds of what the bridge takes on.
	Limits *Limits `json:"limits,omitempty"`

	key    string // of the bridge
	bridge *bridge
	ctx    caddy.Context        // of this configuration
	events *caddyevents.App     // likewise
	http   *caddyhttp.App       // of this configuration; nil if another app holds the handler
	routes [3]caddyhttp.Handler // by [request]
	cors   origins
	own    *zap.Logger // of this configuration, which may be closed while streams go on
	logger *zap.Logger // of the bridge's newest configuration

	started, stopping bool // the configuration; guarded by bridge.mu
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
	h.own, h.ctx = ctx.Logger(), ctx
	plan, err := h.compile()
	if err != nil {
		return err
	}
	for _, warning := range plan.warnings() {
		h.own.Warn("upstream: " + warning)
	}
	key, err := bridgeKey(h) // before the routes are loaded, which empties them
	if err != nil {
		return err
	}
	if err := h.provisionRoutes(ctx); err != nil {
		return err
	}
	h.cors = origins(h.CORS)

	if app, err := ctx.AppIfConfigured("http"); err == nil {
		h.http, _ = app.(*caddyhttp.App)
	}
	events, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("getting Caddy's events, to learn when the configuration starts and stops: %w", err)
	}
	h.events = events.(*caddyevents.App)
	for _, name := range []string{"started", "stopping"} {
		if err := h.events.On(name, lifeListener{h}); err != nil {
			return fmt.Errorf("listening for the configuration's event %q: %w", name, err)
		}
	}

	b, _, err := bridges.LoadOrNew(key, func() (caddy.Destructor, error) {
		b := newBridge(plan)
		if b.name = h.Name; b.name == "" {
			b.name = key[:shortKey]
		}
		return b, nil
	})
	if err != nil {
		return fmt.Errorf("making the bridge: %w", err)
	}
	h.key, h.bridge = key, b.(*bridge)
	h.logger = h.bridge.logger
	h.bridge.add(h)
	return collect(ctx.GetMetricsRegistry(), h.bridge)
}

// provisionRoutes sets up what answers polls and steps.
func (h *Handler) provisionRoutes(ctx caddy.Context) error {
	if err := h.Upstream.Provision(ctx); err != nil {
		return fmt.Errorf("setting up the upstream: %w", err)
	}
	polls := h.Upstream.Compile(noRoute)
	h.routes = [...]caddyhttp.Handler{aPoll: polls, anOpen: polls, aWait: polls}
	for _, step := range []struct {
		which request
		name  string
		*Step
	}{{anOpen, "open", h.Open}, {aWait, "wait", h.Wait}} {
		if step.Step == nil || len(step.Upstream) == 0 {
			continue
		}
		if err := step.Upstream.Provision(ctx); err != nil {
			return fmt.Errorf("setting up the upstream of `%s`: %w", step.name, err)
		}
		h.routes[step.which] = step.Upstream.Compile(noRoute)
	}
	return nil
}

// Cleanup leaves the bridge, which ends with its last instance.
func (h *Handler) Cleanup() error {
	if h.bridge == nil {
		return nil // it was not provisioned to the end
	}
	h.bridge.remove(h)
	_, err := bridges.Delete(h.key)
	return err
}

// lifeListener tells a handler's bridge that the handler's configuration has started, or stops.
type lifeListener struct{ h *Handler }

// Handle implements caddyevents.Handler.
func (l lifeListener) Handle(_ context.Context, e caddy.Event) error {
	switch e.Name() {
	case "started":
		l.h.bridge.started(l.h)
	case "stopping":
		l.h.bridge.stopping(l.h)
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
