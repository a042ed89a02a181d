package config

import (
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// bridgeName matches the name of a bridge, which is a label of metrics and part of paths.
var bridgeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// loneCursor matches a rewrite that is only a cursor.
var loneCursor = regexp.MustCompile(`^\{sse\.cursor(\.\w+)?\}$`)

// Compile checks the configuration and parses its texts. It must be called before the upstream routes are
// provisioned, which empties them. Its errors are *fieldError.
func (h *Config) Compile() (*Plan, error) {
	c := &Plan{Start: h.Start, Limits: DefaultLimits}
	for _, step := range []func(*Plan) error{
		h.checkUpstream,
		h.compilePoll,
		h.compileHosts,
		h.compileWants,
		h.compilePace,
		h.compileReading,
		h.checkReading,
		h.compileDelivery, // its limits apply to steps too
		h.compileSteps,
		h.checkCursors,
		h.findUnset,
	} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (h *Config) compilePoll(c *Plan) (err error) {
	parseEdit := parseEditFor(c.Kind)
	if c.Method, err = parseEdit("method", "method", normalMethod(h.Method)); err != nil {
		return err
	}
	if h.Method != "" && !hasPlaceholder(h.Method) && !IsToken(h.Method) {
		return wrong("method", "%q is not an HTTP method: use a word such as GET or POST", h.Method)
	}
	if strings.Contains(h.Method, "{sse.") {
		return wrong("method", "%s has a placeholder of the bridge, and all polls have one method: use a word such as GET or POST", h.Method)
	}
	if h.Rewrite != "" && !strings.ContainsRune("/?{", rune(h.Rewrite[0])) {
		return wrong("rewrite", "%q must begin with \"/\", with \"?\" or with a placeholder", h.Rewrite)
	}
	var path, query string
	path, query, c.RewritesQuery = strings.Cut(h.Rewrite, "?")
	c.FollowsCursor = loneCursor.MatchString(h.Rewrite)
	if c.RewritePath, err = parseEdit("rewrite", "rewrite", path); err != nil {
		return err
	}
	if c.RewriteQuery, err = parseEdit("rewrite", "rewrite", query); err != nil {
		return err
	}
	if c.Query, err = compileEdits("query", h.Query, nil, parseEdit); err != nil {
		return err
	}
	if c.HeaderUp, err = compileEdits("header_up", h.HeaderUp, checkHeaderName, parseEdit); err != nil {
		return err
	}
	for i := range c.HeaderUp {
		c.HeaderUp[i].Name = textproto.CanonicalMIMEHeaderKey(c.HeaderUp[i].Name)
	}
	if h.Cookies != nil {
		for _, name := range *h.Cookies {
			if !IsToken(name) {
				return wrong("cookies", "%q is not the name of a cookie", name)
			}
		}
	}
	c.Cookies = h.Cookies
	if h.Body == nil {
		return nil
	}
	if h.Body.Template == "" {
		return wrong("body", "the text is empty: remove `body` for polls without a body")
	}
	if c.Body, err = parseEdit("body", "body", h.Body.Template); err != nil {
		return err
	}
	c.BodyType = bodyType(h.Body)
	return nil
}

func (h *Config) compilePace(c *Plan) (err error) {
	var interval Interval
	if h.Interval != nil {
		interval = *h.Interval
	}
	if interval.Min < 0 || interval.Max < 0 {
		return wrong("interval", "a duration must be positive")
	}
	c.IntervalMin = orDefault(interval.Min, defaultInterval)
	c.IntervalMax = orDefault(interval.Max, c.IntervalMin)
	if c.IntervalMax < c.IntervalMin {
		return wrong("interval", "the maximum of %s is below the minimum of %s: write `interval <min> <max>`", c.IntervalMax, c.IntervalMin)
	}
	for _, field := range []struct {
		name string
		d    caddy.Duration
	}{{"long_poll", h.LongPoll}, {"timeout", h.Timeout}, {"keepalive", h.Keepalive}, {"retry", h.Retry}, {"lifetime", h.Lifetime}} {
		if field.d < 0 {
			return wrong(field.name, "the duration must be positive")
		}
	}
	c.Hold = time.Duration(h.LongPoll)
	c.Silence, c.Stream = max(time.Duration(h.Stream), 0), h.Stream != 0
	c.Timeout = orDefault(h.Timeout, defaultTimeout)
	if h.Timeout == 0 && c.Hold > 0 {
		c.Timeout = c.Hold + timeoutAboveHold
	}
	if c.Timeout < c.Hold {
		return wrong("timeout", "it is shorter than the %s for which `long_poll` lets the upstream hold a poll, so that each poll would end before its answer: raise it, or leave it out", c.Hold)
	}
	if c.Alone = h.Cluster == aloneInCluster; h.Cluster != "" && !c.Alone {
		return wrong("cluster", "%q is not a value: write `cluster off`, or remove it; the global option %s says which cluster the nodes are", h.Cluster, Directive)
	}
	c.Keepalive = orDefault(h.Keepalive, DefaultKeepalive)
	c.Retry = orDefault(h.Retry, DefaultRetry)
	c.Lifetime, c.Notify = time.Duration(h.Lifetime), h.Notify
	if c.Notices, err = h.notices(); err != nil {
		return err
	}
	if h.Name != "" && !bridgeName.MatchString(h.Name) {
		return wrong("name", "%q is not a valid name: use 1 to 64 letters, digits, dots, dashes and underscores", h.Name)
	}
	return nil
}

func (h *Config) compileReading(c *Plan) (err error) {
	c.Page = page.Config{
		Stream: c.Stream, Format: page.Auto, Separator: h.Separator, Header: h.Header, Order: page.Order(h.Order), Repeat: h.Overlap, Accept: h.Accept, Held: c.Hold > 0,
	}
	if h.Format != "" {
		c.Page.Format = page.Format(h.Format)
	}
	if strings.HasPrefix(h.Items, "{sse.") {
		return wrong("items", "it takes a path into the answer, and no placeholder: such as `items messages`")
	}
	if h.Items != "" {
		if c.Page.Items, err = value.ParsePath(h.Items); err != nil {
			return &fieldError{"items", "items", err}
		}
	}
	if c.Page.ID, err = parsePosition("id", "id", h.ID); err != nil {
		return err
	}
	if h.Event != nil {
		if h.Event.Value == "" {
			return wrong("event", "the value is missing: write a path, or `=` and the type itself: event =price")
		}
		if c.Page.Event, err = parseValue("event", "event", h.Event.Value); err != nil {
			return err
		}
		c.Page.EventDefault = h.Event.Default
		if fixed, ok := strings.CutPrefix(h.Event.Value, "="); ok && page.IsReserved(fixed) || page.IsReserved(h.Event.Default) {
			return wrong("event", "types that begin with %s are reserved for the bridge: use another one", page.Reserved)
		}
	}
	if err = h.compileProgram(c); err != nil {
		return err
	}
	if c.Page.Epoch, err = parsePosition("epoch", "epoch", h.Epoch); err != nil {
		return err
	}
	if c.Page.Data, err = parseValue("data", "data", h.Data); err != nil {
		return err
	}
	if c.Page.Cursors, err = compileCursors(h.Cursor); err != nil {
		return err
	}
	if err = h.compileFollow(c); err != nil {
		return err
	}
	return h.compileConditions(c)
}

// aloneInCluster is the only value of `cluster`.
const aloneInCluster = "off"

func orDefault(d caddy.Duration, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return time.Duration(d)
}

// bodyType guesses the type of a body without one from its beginning. A single brace may begin a placeholder.
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
