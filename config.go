package ssebridge

import (
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Edit changes one parameter of a query or one field of a header.
type Edit struct {
	// The name of the parameter or field. Required.
	Name string `json:"name"`

	// What it is set to. Default: empty. Accepts placeholders.
	Value string `json:"value,omitempty"`

	// Whether it is deleted. There is no value then.
	Delete bool `json:"delete,omitempty"`
}

// Body is the body of a poll.
type Body struct {
	// The text of the body. Placeholders that are not known stay as they are, so that it may
	// be JSON. Required. Accepts placeholders.
	Template string `json:"template"`

	// Its Content-Type. Default: `application/json` if the text begins with `{"`, `{}` or `[`,
	// and else `application/x-www-form-urlencoded`.
	ContentType string `json:"content_type,omitempty"`
}

// Interval is how far apart the starts of polls are.
type Interval struct {
	// The least time between the starts of two polls. Default: 2s.
	Min caddy.Duration `json:"min,omitempty"`

	// Each answer without news doubles the wait up to this, and news puts it back to the
	// least. Default: the least, so that the wait is always the same.
	Max caddy.Duration `json:"max,omitempty"`
}

// Type says what type events have.
type Type struct {
	// The value that is the type, looked up in the item, or in the body where there are no
	// items; `=price` is a type that is always the same. Required.
	Value string `json:"value"`

	// The type of the events in which the value is missing or empty. Default: none, which is
	// `message`.
	Default string `json:"default,omitempty"`
}

// Cursor says where an answer holds a cursor.
type Cursor struct {
	// The name of the cursor, for `{sse.cursor.NAME}`: letters, digits and underscores, and
	// no digit first. Default: none, for `{sse.cursor}`.
	Name string `json:"name,omitempty"`

	// The values that are the cursor, looked up in the body: the first that is not empty. If
	// all are, the cursor stays what it was. Required.
	Values []string `json:"values"`
}

// Replay is the log of an upstream that forgets.
type Replay struct {
	// How many events are kept. Default: 1,000.
	Events int `json:"events,omitempty"`

	// How long they are kept after the last client has gone, while nothing is polled. Default: 5s.
	Linger caddy.Duration `json:"linger,omitempty"`
}

// Limits bounds what a bridge takes on. Clients beyond a limit get a stream that says
// `bridge.busy` and ends, and come back later.
type Limits struct {
	// How many different polls there may be. Default: 10,000.
	Feeds int `json:"feeds,omitempty"`

	// How many positions of one feed may be polled at once; at least 2, the head and one that
	// catches up. Default: 8.
	Chains int `json:"chains,omitempty"`

	// How many streams there may be. Default: 0, which is no limit.
	Clients int `json:"clients,omitempty"`

	// How many streams one IP address may have. Default: 0, which is no limit.
	ClientsPerIP int `json:"clients_per_ip,omitempty"`

	// How many polls that are not held may be under way at once. Default: 64.
	Polls int `json:"polls,omitempty"`

	// How large an answer may be, in bytes after decoding. Default: 8 MiB.
	Response int64 `json:"response,omitempty"`

	// How much of the recent events may be kept for clients that come back, in bytes.
	// Default: 64 MiB.
	Log int64 `json:"log,omitempty"`
}

// The defaults that the documentation of the fields promises.
const (
	defaultInterval  = 2 * time.Second
	defaultHold      = time.Minute
	defaultTimeout   = 30 * time.Second
	timeoutAboveHold = 10 * time.Second
	defaultKeepalive = 15 * time.Second
	defaultRetry     = 3 * time.Second
	defaultReplay    = 1000
	defaultLinger    = 5 * time.Second
)

var defaultLimits = Limits{Feeds: 10_000, Chains: 8, Polls: 64, Response: 8 << 20, Log: 64 << 20}

// compiled is a configuration that has been checked, with its strings parsed and its defaults
// applied.
type compiled struct {
	routes *routesRead // those of the upstream
	wants  wants       // what they take of a client's request

	method  value.Template // zero: the client's own
	cookies *[]string      // nil: all of the client's

	rewritePath   value.Template // zero: the client's own path
	rewriteQuery  value.Template
	rewritesQuery bool // false: the client's own query
	followsCursor bool // the rewrite is a cursor alone, which is a URL

	query    []compiledEdit
	headerUp []compiledEdit // names in their canonical form
	body     value.Template // zero: none
	bodyType string

	intervalMin, intervalMax time.Duration
	hold                     time.Duration // 0: no long polling
	timeout                  time.Duration

	diff             bool // documents are sent as patches
	page             page.Config
	reader           *page.Reader
	cursorNames      []string          // as in page.Reader.Cursors
	validatorCursors bool              // the cursors are ETag and Last-Modified
	start            map[string]string // by the name of the cursor

	forgetful bool // the upstream forgets what was polled
	replay    int  // events in a log
	linger    time.Duration

	keepalive, retry time.Duration
	lifetime         time.Duration // 0: none
	notify           bool
	limits           Limits

	elsewhere  bool      // of a step: it has an upstream of its own
	open, wait *compiled // nil: none
}

// holds reports whether the upstream tells of news by answering a request that it has held.
func (c *compiled) holds() bool { return c.hold > 0 || c.wait != nil && c.wait.hold > 0 }

// unsent reports whether all polls are the same, but for what makes one conditional. Where each answer is
// a message, its validators say which one follows.
func (c *compiled) unsent() bool {
	return c.page.Unsent && !(c.validatorCursors && c.page.Format == page.Message)
}

// cursorParameters are the names in a query that cursors write.
func (c *compiled) cursorParameters() []string {
	var names []string
	for _, e := range c.query {
		if len(e.value.Cursors()) > 0 {
			names = append(names, e.name)
		}
	}
	return names
}

type compiledEdit struct {
	name  string
	del   bool
	value value.Template // zero: the empty text
}

// always reports whether no poll skips the edit.
func (e compiledEdit) always() bool { return len(e.value.Cursors()) == 0 }

// bridgeName is what a bridge may be called: it is a label of metrics, and part of paths.
var bridgeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// loneCursor is a rewrite that is nothing but a cursor.
var loneCursor = regexp.MustCompile(`^\{sse\.cursor(\.\w+)?\}$`)

// compile checks the configuration and parses what it holds as text. It is called before the
// upstream routes are provisioned, which empties them. Its errors are *fieldError.
func (h *Config) compile() (*compiled, error) {
	c := &compiled{start: h.Start, limits: defaultLimits}
	for _, step := range []func(*compiled) error{
		h.checkUpstream,
		h.compilePoll,
		h.compileWants,
		h.compilePace,
		h.compileReading,
		h.checkReading,
		h.compileDelivery, // its limits are those of steps too
		h.compileSteps,
		h.checkCursors,
	} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (h *Config) compilePoll(c *compiled) (err error) {
	if c.method, err = parseEdit("method", "method", normalMethod(h.Method)); err != nil {
		return err
	}
	if h.Method != "" && !hasPlaceholder(h.Method) && !isToken(h.Method) {
		return wrong("method", "%q is not an HTTP method: a word such as GET or POST", h.Method)
	}
	if h.Rewrite != "" && !strings.ContainsRune("/?{", rune(h.Rewrite[0])) {
		return wrong("rewrite", "%q must begin with \"/\", with \"?\" or with a placeholder", h.Rewrite)
	}
	var path, query string
	path, query, c.rewritesQuery = strings.Cut(h.Rewrite, "?")
	c.followsCursor = loneCursor.MatchString(h.Rewrite)
	if c.rewritePath, err = parseEdit("rewrite", "rewrite", path); err != nil {
		return err
	}
	if c.rewriteQuery, err = parseEdit("rewrite", "rewrite", query); err != nil {
		return err
	}
	if c.query, err = compileEdits("query", h.Query, nil); err != nil {
		return err
	}
	if c.headerUp, err = compileEdits("header_up", h.HeaderUp, checkHeaderName); err != nil {
		return err
	}
	for i := range c.headerUp {
		c.headerUp[i].name = textproto.CanonicalMIMEHeaderKey(c.headerUp[i].name)
	}
	if h.Cookies != nil {
		for _, name := range *h.Cookies {
			if !isToken(name) {
				return wrong("cookies", "%q is not the name of a cookie", name)
			}
		}
	}
	c.cookies = h.Cookies
	if h.Body == nil {
		return nil
	}
	if h.Body.Template == "" {
		return wrong("body", "its text is empty: leave `body` out for polls without a body")
	}
	if c.body, err = parseEdit("body", "body", h.Body.Template); err != nil {
		return err
	}
	c.bodyType = bodyType(h.Body)
	return nil
}

func (h *Config) compilePace(c *compiled) error {
	var interval Interval
	if h.Interval != nil {
		interval = *h.Interval
	}
	if interval.Min < 0 || interval.Max < 0 {
		return wrong("interval", "a duration must be positive")
	}
	c.intervalMin = orDefault(interval.Min, defaultInterval)
	c.intervalMax = orDefault(interval.Max, c.intervalMin)
	if c.intervalMax < c.intervalMin {
		return wrong("interval", "the max of %s is below the min of %s: write `interval <min> <max>`", c.intervalMax, c.intervalMin)
	}
	for _, field := range []struct {
		name string
		d    caddy.Duration
	}{{"long_poll", h.LongPoll}, {"timeout", h.Timeout}, {"keepalive", h.Keepalive}, {"retry", h.Retry}, {"lifetime", h.Lifetime}} {
		if field.d < 0 {
			return wrong(field.name, "the duration must be positive")
		}
	}
	c.hold = time.Duration(h.LongPoll)
	c.timeout = orDefault(h.Timeout, defaultTimeout)
	if h.Timeout == 0 && c.hold > 0 {
		c.timeout = c.hold + timeoutAboveHold
	}
	c.keepalive = orDefault(h.Keepalive, defaultKeepalive)
	c.retry = orDefault(h.Retry, defaultRetry)
	c.lifetime, c.notify = time.Duration(h.Lifetime), h.Notify
	if h.Name != "" && !bridgeName.MatchString(h.Name) {
		return wrong("name", "%q is no name: it takes 1 to 64 letters, digits, dots, dashes and underscores", h.Name)
	}
	return nil
}

func (h *Config) compileReading(c *compiled) (err error) {
	c.page = page.Config{
		Format: page.Auto, Separator: h.Separator, Header: h.Header, Order: page.Order(h.Order), Accept: h.Accept,
	}
	if h.Format != "" {
		c.page.Format = page.Format(h.Format)
	}
	if h.Items != "" {
		if c.page.Items, err = value.ParsePath(h.Items); err != nil {
			return &fieldError{"items", "items", err}
		}
	}
	if c.page.ID, err = parseValue("id", "id", h.ID); err != nil {
		return err
	}
	if h.Event != nil {
		if h.Event.Value == "" {
			return wrong("event", "it needs a value, or `=` and the type itself: event =price")
		}
		if c.page.Event, err = parseValue("event", "event", h.Event.Value); err != nil {
			return err
		}
		c.page.EventDefault = h.Event.Default
		if fixed, ok := strings.CutPrefix(h.Event.Value, "="); ok && page.IsReserved(fixed) || page.IsReserved(h.Event.Default) {
			return wrong("event", "types that begin with %s are the bridge's own: take another one", page.Reserved)
		}
	}
	if err = h.compileProgram(c); err != nil {
		return err
	}
	if c.page.Epoch, err = parseValue("epoch", "epoch", h.Epoch); err != nil {
		return err
	}
	if c.page.Data, err = parseValue("data", "data", h.Data); err != nil {
		return err
	}
	if c.page.Cursors, err = compileCursors(h.Cursor); err != nil {
		return err
	}
	return h.compileConditions(c)
}

func orDefault(d caddy.Duration, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return time.Duration(d)
}

// bodyType guesses the type of a body that has none from how it begins. A lone brace may begin
// a placeholder.
func bodyType(b *Body) string {
	text := strings.TrimSpace(b.Template)
	switch {
	case b.ContentType != "":
		return b.ContentType
	case strings.HasPrefix(text, `{"`), strings.HasPrefix(text, "{}"), strings.HasPrefix(text, "["):
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}
