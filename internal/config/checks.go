package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

var orders = []string{string(page.NewestFirst), string(page.ByID), string(page.Overlap)}

// overlaps reports whether the upstream's answers repeat the cursor's item.
func (h *Config) overlaps() bool { return h.Overlap || h.Order == string(page.Overlap) }

func (h *Config) checkUpstream(c *Plan) (err error) {
	if len(h.Upstream) == 0 {
		return wrong("upstream", "it is missing: name it after the directive (sse_bridge localhost:8080), or add an `upstream` block")
	}
	if c.routes, err = readRoutes(h.Upstream); err != nil {
		return &fieldError{"upstream", "upstream", err}
	}
	if c.routes.bridge {
		return wrong("upstream", "it leads to another sse_bridge, which answers with a stream and not with data: name the backend itself")
	}
	return nil
}

// compileWants finds what the upstream takes from a client's request, besides the parts that polls have.
func (h *Config) compileWants(c *Plan) (err error) {
	c.Wants, err = c.routes.want("upstream", c.owns())
	return err
}

// checkReading checks that format, items, id, order and accept fit together.
func (h *Config) checkReading(c *Plan) error {
	format, order := c.Page.Format, c.Page.Order
	switch {
	case !slices.Contains(formats, string(format)):
		return wrong("format", "%q is not one of %s", format, strings.Join(formats, ", "))
	case slices.Contains(streamFormats, string(format)) && !c.Stream && format != page.JSON && format != page.Lines:
		return wrong("format", "only answers that go on are read as %s: add `stream`, or use another format", format)
	case h.Items != "" && (format == page.Text || format == page.Message):
		return wrong("items", "format %s has no items: remove `items`, or use another format", format)
	case h.ID != "" && format == page.Message:
		return wrong("id", "it cannot be used with format message: remove it, and use `cursor` if the answer contains a position")
	case h.Diff != "" && format == page.Message:
		return wrong("diff", "with format message each answer is an event, whether it has changed or not: remove one of the two")
	case h.Diff == diffItems && format == page.Text:
		return wrong("diff", "format text has no items: use format lines for a set of lines")
	case order != "" && !slices.Contains(orders, string(order)):
		return wrong("order", "%q is not one of %s; without `order`, the oldest item comes first", order, strings.Join(orders, ", "))
	case order != "" && h.Diff == diffItems:
		return wrong("order", "the order of the items in a set does not count: remove `order`")
	case order != "" && h.Diff == diffPatch && h.Items == "" && h.ID == "":
		return wrong("order", "with `diff json_patch` the answer is a document, which stays as it is: remove `order`")
	case order != "" && h.Items == "" && h.ID == "" && format != page.Lines && format != page.CSV && format != page.Feed:
		return wrong("order", "%s needs items: add `items`, or `id` if the answer itself is the list", order)
	case order != "" && order != page.NewestFirst && h.ID == "":
		return wrong("order", "%s compares the ids of items: add `id`", order)
	case h.Overlap && order != page.NewestFirst && order != page.ByID:
		return &fieldError{"overlap", "order", errors.New("overlap can stand alone, or behind newest_first or by_id")}
	case h.overlaps() && order == page.ByID && len(h.Cursor) > 0:
		return wrong("order", "by_id compares ids with the cursor, so it cannot overlap by another one: remove `cursor`, or write `order overlap`")
	case h.overlaps() && len(h.Cursor) > 1:
		return wrong("order", "overlap needs a single cursor, that of the items: remove the others")
	}
	if len(h.Gap) > 0 && h.Diff != "" {
		return &fieldError{"gap.0", "gap", errors.New("it works only for events, and with `diff` only the newest version of the answer counts: remove `gap`")}
	}
	if len(h.Gap) > 0 && h.Items == "" && h.ID == "" && h.JQ == "" && format != page.Lines && format != page.CSV && format != page.Feed && format != page.Message {
		return &fieldError{"gap.0", "gap", errors.New("it works only for events, and this block sends a document, of which only the newest version counts: remove `gap`, or add `items` or `id`")}
	}
	if err := h.checkText(c); err != nil {
		return err
	}
	if err := h.checkStream(c); err != nil {
		return err
	}
	if err := h.checkFormat(c); err != nil {
		return err
	}
	if err := h.checkConditions(c); err != nil {
		return err
	}
	for i, status := range h.Accept {
		if status < 200 || status > 499 || status == http.StatusNotModified {
			return &fieldError{
				"accept." + strconv.Itoa(i), "accept",
				fmt.Errorf("%d cannot be accepted: use a status from 200 to 499, except 304", status),
			}
		}
	}
	if h.Diff != "" && format == page.Auto && h.JQ == "" {
		c.Page.Format = page.JSON // other answers, such as a login page, cannot be patched
	}
	c.Page.Set, c.Page.Whole = h.Diff == diffItems, h.Diff == diffPatch
	c.Page.Unsent = !c.Stream && !slices.ContainsFunc(h.edits(c), func(e pollEdit) bool { return len(e.template.Cursors()) > 0 })
	c.Page.Once = h.comesOnce(c)
	c.Reader = page.NewReader(c.Page)
	c.CursorNames = c.Reader.Cursors()
	c.ValidatorCursors, c.LastEventID = c.Reader.Validators(), c.Reader.LastEventID()
	for _, cursor := range c.Page.Cursors {
		if cursor.Clears {
			c.ClearedCursors = append(c.ClearedCursors, cursor.Name)
		}
	}
	return nil
}

// checkText checks that no path looks into a text, in which it would find nothing.
func (h *Config) checkText(c *Plan) error {
	if c.Page.Format != page.Text {
		return nil
	}
	const why = "the path %q needs JSON, and the format is text: change one of the two"
	for _, field := range []struct {
		name string
		v    value.Value
	}{{"id", c.Page.ID}, {"event", c.Page.Event}, {"data", c.Page.Data}} {
		if field.v.NeedsJSON() {
			return wrong(field.name, why, field.v)
		}
	}
	if field, ok := h.bodyPath(c); ok && h.Diff == "" {
		return &fieldError{field.path, field.name, fmt.Errorf(why, field.text)}
	}
	return nil
}

// comesOnce reports whether answers hold only what none before them held: the upstream forgets it, and polls send
// a session at most, and no position.
func (h *Config) comesOnce(c *Plan) bool {
	if c.Stream || h.Replay == nil || len(h.Open) == 0 && h.Ack == nil || h.Order != "" || c.Page.Format == page.Message {
		return false
	}
	return !h.sendsPosition(c)
}

func (h *Config) compileDelivery(c *Plan) error {
	for i, origin := range h.CORS {
		if err := checkOrigin(origin, len(h.CORS)); err != nil {
			return &fieldError{"cors." + strconv.Itoa(i), "cors", err}
		}
	}
	if err := h.compileDiff(c); err != nil {
		return err
	}
	if err := h.compileReplay(c); err != nil || h.Limits == nil {
		return err
	}
	if h.Limits.Chains == 1 {
		return &fieldError{"limits.chains", "limits chains", fmt.Errorf("it must be at least 2: one for the newest position, and one for a client that catches up")}
	}
	for _, limit := range []struct {
		name string
		n    int64
		set  func()
	}{
		{"feeds", int64(h.Limits.Feeds), func() { c.Limits.Feeds = h.Limits.Feeds }},
		{"chains", int64(h.Limits.Chains), func() { c.Limits.Chains = h.Limits.Chains }},
		{"clients", int64(h.Limits.Clients), func() { c.Limits.Clients = h.Limits.Clients }},
		{"clients_per_ip", int64(h.Limits.ClientsPerIP), func() { c.Limits.ClientsPerIP = h.Limits.ClientsPerIP }},
		{"polls", int64(h.Limits.Polls), func() { c.Limits.Polls = h.Limits.Polls }},
		{"streams", int64(h.Limits.Streams), func() { c.Limits.Streams = h.Limits.Streams }},
		{"response", h.Limits.Response, func() { c.Limits.Response = h.Limits.Response }},
		{"log", h.Limits.Log, func() { c.Limits.Log = h.Limits.Log }},
	} {
		if limit.n < 0 {
			return &fieldError{"limits." + limit.name, "limits " + limit.name, fmt.Errorf("%d is not positive", limit.n)}
		}
		if limit.n > 0 {
			limit.set()
		}
	}
	return nil
}

func (h *Config) compileReplay(c *Plan) error {
	c.Replay, c.Linger = defaultReplay, DefaultLinger
	if h.Replay == nil {
		return nil
	}
	if h.Replay.Events < 0 || h.Replay.Linger < 0 {
		return wrong("replay", "the events and the linger must be positive")
	}
	if c.Reader.Set() {
		return wrong("replay", "it works only for events, and with `diff items` an answer is a set: remove `replay`, or remove `diff`")
	}
	if c.Reader.Document() {
		return wrong("replay", "it works only for events, and this block sends a document: add `items`, `id` or `format message`")
	}
	c.Forgetful = true
	if h.Replay.Events > 0 {
		c.Replay = h.Replay.Events
	}
	c.Linger = orDefault(h.Replay.Linger, DefaultLinger)
	return nil
}

// checkOrigin accepts an origin as browsers send it (RFC 6454, section 6.2), and refuses one that could never
// match.
func checkOrigin(origin string, count int) error {
	switch {
	case origin == "*" && count > 1:
		return fmt.Errorf("* allows all origins: remove the others, or remove *")
	case origin == "*":
		return nil
	case origin == "null":
		return fmt.Errorf("null is the origin of any sandboxed page: list real origins, such as https://example.com")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") ||
		u.Scheme+"://"+u.Host != origin || strings.ToLower(origin) != origin || strings.ContainsAny(u.Host, "*,") ||
		strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return fmt.Errorf("%q is not an origin: write scheme://host or scheme://host:port in lower-case ASCII, without a path, such as https://example.com", origin)
	}
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return fmt.Errorf("browsers omit the default port of %q: write %s", origin, strings.TrimSuffix(origin, ":"+port))
	}
	return nil
}
