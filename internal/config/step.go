package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Step is a request beside the polls: the client's request with edits of its own. Those of the
// polls are not part of it. It has no body but its own, and none of the query parameters that
// send cursors in polls.
type Step struct {
	// The routes that answer it. They are taken for another host, which gets no Authorization,
	// no Cookie and no query of the client, nor cookies of the upstream; an edit of `header_up` or
	// `query` may add one. Default: the upstream of the polls.
	Upstream caddyhttp.RouteList `json:"upstream,omitempty"`

	// The HTTP method. Default: the client's own. Accepts placeholders.
	Method string `json:"method,omitempty"`

	// The URI, as the `rewrite` of polls. Default: the client's own URI. Accepts placeholders.
	Rewrite string `json:"rewrite,omitempty"`

	// The edits of the query, as the `query` of polls.
	Query []Edit `json:"query,omitempty"`

	// The edits of the header, as the `header_up` of polls.
	HeaderUp []Edit `json:"header_up,omitempty"`

	// The names of the client's cookies that are kept, of those that the polls keep. Default: all.
	Cookies *[]string `json:"cookies,omitempty"`

	// The body. Default: none.
	Body *Body `json:"body,omitempty"`

	// For how long the upstream holds the request, in `wait` alone. Default: 0, which is no long
	// polling: it is asked at the `interval` of the polls.
	LongPoll caddy.Duration `json:"long_poll,omitempty"`

	// For how long it may take. Default: 30s, or 10s more than `long_poll`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How the answer is read: `auto`, `json`, `jsonp`, `xml` or `text`. Default: `auto`.
	Format string `json:"format,omitempty"`

	// The cursors that the answer holds, looked up in the body. Where the polls have a cursor of
	// that name, it is the first one of a client that comes without a position, and goes into
	// event ids as any other. All others are a key or a session: each sequence of polls gets its
	// own, and they never go into an id.
	Cursor []Cursor `json:"cursor,omitempty"`

	// The statuses that are answers, beside those from 200 to 299. Default: none.
	Accept []int `json:"accept,omitempty"`

	// The upstream does not know the position any more where any of these holds, as in polls.
	Reset []Condition `json:"reset,omitempty"`

	// A value that is the least time until the next request, in seconds, as in polls.
	RetryAfter string `json:"retry_after,omitempty"`

	// There is something to poll for where any of these holds, in `wait` alone, where it is
	// required. The values are looked up in the body.
	When []Condition `json:"when,omitempty"`
}

// config returns a Config whose polls are the step. `when` stands where `more` does: both ask
// for a poll at once.
func (s *Step) config() *Config {
	return &Config{
		Upstream: s.Upstream, Method: s.Method, Rewrite: s.Rewrite, Query: s.Query, HeaderUp: s.HeaderUp, Cookies: s.Cookies, Body: s.Body,
		LongPoll: s.LongPoll, Timeout: s.Timeout, Format: s.Format, Cursor: s.Cursor, Accept: s.Accept, Reset: s.Reset,
		RetryAfter: s.RetryAfter, More: s.When,
	}
}

// stepOf is the reverse of [Step.config].
func stepOf(h *Config) *Step {
	return &Step{
		Upstream: h.Upstream, Method: h.Method, Rewrite: h.Rewrite, Query: h.Query, HeaderUp: h.HeaderUp, Cookies: h.Cookies, Body: h.Body,
		LongPoll: h.LongPoll, Timeout: h.Timeout, Format: h.Format, Cursor: h.Cursor, Accept: h.Accept, Reset: h.Reset,
		RetryAfter: h.RetryAfter, When: h.More,
	}
}

// inStep says in which step the field stands that err is about.
func inStep(step string, err error) error {
	field := (*fieldError)(nil)
	if !errors.As(err, &field) {
		return fmt.Errorf("%s: %w", step, err)
	}
	return &fieldError{step + "." + whenForMore(field.path), step + " " + whenForMore(field.name), field.err}
}

// whenForMore names the field of a step that [Step.config] has put into `more`.
func whenForMore(name string) string {
	if rest, is := strings.CutPrefix(name, "more"); is {
		return "when" + rest
	}
	return name
}
