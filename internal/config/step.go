package config

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Step is a request besides the polls: the client's request with edits of its own. The edits of the
// polls do not apply to it. It has no body except its own, and none of the query parameters that
// send cursors in polls.
type Step struct {
	// The routes that answer it. They are treated as a different host: the client's Authorization,
	// cookies and query are not forwarded, nor are cookies of the upstream. Edits of `header_up` and
	// `query` may add them. Default: the upstream of the polls.
	Upstream caddyhttp.RouteList `json:"upstream,omitempty"`

	// The HTTP method. Default: the client's own. Accepts placeholders.
	Method string `json:"method,omitempty"`

	// The URI, like the `rewrite` of polls. Default: the client's own URI. Accepts placeholders.
	Rewrite string `json:"rewrite,omitempty"`

	// The edits of the query, like the `query` of polls.
	Query []Edit `json:"query,omitempty"`

	// The edits of the header, like the `header_up` of polls.
	HeaderUp []Edit `json:"header_up,omitempty"`

	// Which of the cookies that the polls keep are sent, by name. Default: all.
	Cookies *[]string `json:"cookies,omitempty"`

	// The body. Default: none.
	Body *Body `json:"body,omitempty"`

	// The time between two requests; only in `beat`, and required there. At least 1s.
	Interval caddy.Duration `json:"interval,omitempty"`

	// How long the upstream holds the request; only in `wait`. Default: 0, which is no long
	// polling: the request is made at the `interval` of the polls.
	LongPoll caddy.Duration `json:"long_poll,omitempty"`

	// How long the request may take. Default: 30s, or 10s more than `long_poll`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How the answer is read: `auto`, `json`, `jsonp`, `xml`, `socketio`, `sockjs` or
	// `text`. Default: `auto`.
	Format string `json:"format,omitempty"`

	// The cursors that the answer contains, looked up in the body. If the polls have a cursor of the
	// same name, it is the first cursor of a client that connects without a position, and part of
	// event ids like any other cursor. All others are keys or sessions: each sequence of polls gets
	// its own, and they are never part of an id.
	Cursor []Cursor `json:"cursor,omitempty"`

	// A [jq](https://jqlang.org) program that reads the cursors, if paths are not enough. It yields
	// `{cursor}`, an object of texts by name; what else it yields is dropped. It replaces `cursor`.
	// Default: none.
	JQ string `json:"jq,omitempty"`

	// A value that changes when the upstream starts over, such as the start time of its process,
	// looked up in the body; only in `open`. After a failed poll, `open` is repeated, and if the
	// value has changed, clients get a `bridge.reset`. It is part of the event ids. Default: none.
	Epoch string `json:"epoch,omitempty"`

	// Further statuses that count as answers, besides 200 to 299. Default: none.
	Accept []int `json:"accept,omitempty"`

	// If one of these conditions holds, the answer is an error, as in polls.
	Fail []Condition `json:"fail,omitempty"`

	// If one of these conditions holds, the upstream has lost the position, as in polls.
	Reset []Condition `json:"reset,omitempty"`

	// A value that is the minimum time until the next request, as in polls.
	RetryAfter string `json:"retry_after,omitempty"`

	// The unit of `retry_after`: `ms`, `s`, `m` or `h`. Default: `s`.
	RetryAfterUnit string `json:"retry_after_unit,omitempty"`

	// In `wait`: if one of these conditions holds, there is something to poll for. The values are
	// looked up in the body. Required there.
	//
	// In `reply`: the request is made for each item for which one of these conditions holds, ignored
	// or not; for an answer without items, they are looked up in the body. Required there.
	//
	// In `open`: the request is made only if one of these conditions holds, such as `{sse.cursor}`:
	// the client has a position. They see cursors and placeholders, and no answer. Default: none;
	// the request is always made.
	When []Condition `json:"when,omitempty"`
}

// config returns a Config whose polls are the step. `when` is in the place of `more`: in `wait`, both ask for a
// poll at once.
func (s *Step) config() *Config {
	return &Config{
		Upstream: s.Upstream, Method: s.Method, Rewrite: s.Rewrite, Query: s.Query, HeaderUp: s.HeaderUp, Cookies: s.Cookies, Body: s.Body,
		LongPoll: s.LongPoll, Timeout: s.Timeout, Format: s.Format, JQ: s.JQ, Cursor: s.Cursor, Epoch: s.Epoch, Accept: s.Accept, Fail: s.Fail, Reset: s.Reset,
		RetryAfter: s.RetryAfter, RetryAfterUnit: s.RetryAfterUnit, More: s.When,
	}
}

// stepOf is the reverse of [Step.config].
func stepOf(h *Config) *Step {
	return &Step{
		Upstream: h.Upstream, Method: h.Method, Rewrite: h.Rewrite, Query: h.Query, HeaderUp: h.HeaderUp, Cookies: h.Cookies, Body: h.Body,
		LongPoll: h.LongPoll, Timeout: h.Timeout, Format: h.Format, JQ: h.JQ, Cursor: h.Cursor, Epoch: h.Epoch, Accept: h.Accept, Fail: h.Fail, Reset: h.Reset,
		RetryAfter: h.RetryAfter, RetryAfterUnit: h.RetryAfterUnit, When: h.More,
	}
}
