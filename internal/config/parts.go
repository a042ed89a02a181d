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

// Condition is a value that is compared, or asked whether there is something to it.
type Condition struct {
	// Whether the condition is turned around. Default: false.
	Not bool `json:"not,omitempty"`

	// The value. Required.
	Value string `json:"value"`

	// The texts of which the value is to be one. Default: none, so that the condition holds
	// where the value is neither missing, empty, `false`, `0` nor `null`.
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
