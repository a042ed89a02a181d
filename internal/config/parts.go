package config

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Edit changes one parameter of a query or one field of a header.
type Edit struct {
	// The name of the parameter or field. Required.
	Name string `json:"name"`

	// The new value. Default: empty. Accepts placeholders.
	Value string `json:"value,omitempty"`

	// Whether the parameter or field is deleted. Then there is no value. Default: false.
	Delete bool `json:"delete,omitempty"`
}

// Body is the body of a poll.
type Body struct {
	// The text of the body. Unknown placeholders are left unchanged, so the text may be JSON.
	// Required. Accepts placeholders.
	Template string `json:"template"`

	// The Content-Type of the body. Default: `application/json` if the text begins with `{"`, `{}`
	// or `[`; otherwise `application/x-www-form-urlencoded`.
	ContentType string `json:"content_type,omitempty"`
}

// Interval is the time between the starts of polls.
type Interval struct {
	// The minimum time between the starts of two polls. Default: 2s.
	Min caddy.Duration `json:"min,omitempty"`

	// The maximum time. Each answer without news doubles the time up to this maximum, and news
	// resets it to the minimum. Default: the minimum, so the time is always the same.
	Max caddy.Duration `json:"max,omitempty"`
}

// Type is the type of events.
type Type struct {
	// The value that is the type, looked up in the item, or in the body if there are no items;
	// `=price` is a fixed type. Required.
	Value string `json:"value"`

	// The type of events for which the value is missing or empty. Default: none, which means
	// `message`.
	Default string `json:"default,omitempty"`
}

// Cursor says where an answer contains a cursor.
type Cursor struct {
	// The name of the cursor, for `{sse.cursor.NAME}`: letters, digits and underscores; it does
	// not begin with a digit. Default: none, for `{sse.cursor}`.
	Name string `json:"name,omitempty"`

	// The values of the cursor, looked up in the body. The first one that is not empty is used. If
	// all are empty, the cursor does not change. But if the last one is `=`, the cursor is then
	// cleared: edits that contain it are skipped, as before there was one. Events need another cursor
	// that cannot be cleared, which keeps the position. Required.
	Values []string `json:"values"`

	// Regular expressions in the syntax of RE2, for the values at the same places. Each has one
	// group, whose match is the value. If it does not match, the value is empty. Default: none; an
	// empty text is none too.
	Patterns []string `json:"patterns,omitempty"`
}

// Replay is the log of events of an upstream that forgets them.
type Replay struct {
	// How many events are kept. Default: 1,000.
	Events int `json:"events,omitempty"`

	// How long they are kept after the last client has left; nothing is polled then. Default: 5s.
	Linger caddy.Duration `json:"linger,omitempty"`
}

// Limits are the limits of a bridge. Clients beyond a limit get an event `bridge.busy`, after which
// the stream ends, and come back later.
type Limits struct {
	// How many feeds, that is, different poll requests, there may be. Default: 10,000.
	Feeds int `json:"feeds,omitempty"`

	// How many positions of one feed may be polled at the same time. At least 2: one for the newest
	// position, and one for a client that catches up. Default: 8.
	Chains int `json:"chains,omitempty"`

	// How many streams there may be. Default: 0, which is no limit.
	Clients int `json:"clients,omitempty"`

	// How many streams one IP address may have. Default: 0, which is no limit.
	ClientsPerIP int `json:"clients_per_ip,omitempty"`

	// How many polls may be under way at the same time. Polls that the upstream holds do not count.
	// Default: 64.
	Polls int `json:"polls,omitempty"`

	// How many answers that go on may be open at the same time. Default: 1,000.
	Streams int `json:"streams,omitempty"`

	// The maximum size of an answer, in bytes after decoding; of an answer that goes on, the maximum size of a
	// record. Default: 8 MiB.
	Response int64 `json:"response,omitempty"`

	// The maximum size of the recent events that are kept for clients that come back, in bytes.
	// Default: 64 MiB.
	Log int64 `json:"log,omitempty"`
}

// Condition compares a value with texts, or checks that the value is not empty.
type Condition struct {
	// Whether the condition is negated. Default: false.
	Not bool `json:"not,omitempty"`

	// The value. Required.
	Value string `json:"value"`

	// The texts with which the value is compared; the condition holds if it equals one of them.
	// Default: none; the condition holds if the value is not missing, empty, `false`, `0` or `null`.
	Matches []string `json:"matches,omitempty"`
}

func (c Condition) compile() (value.Condition, error) {
	switch {
	case c.Value == "":
		return value.Condition{}, fmt.Errorf("the value is empty: write [!]<value> [<match>...]")
	case strings.HasPrefix(c.Value, "!"):
		return value.Condition{}, fmt.Errorf("%q is negated twice, or its value begins with `!`: in JSON, use `not`", c.Value)
	}
	word := c.Value
	if c.Not {
		word = "!" + word
	}
	return value.ParseCondition(append([]string{word}, c.Matches...))
}
