package config

import (
	"slices"
	"strings"
)

// Directive is the name of the block, and of the handler in JSON.
const Directive = "sse_bridge"

// Subdirective is what a block may say, in one place: the parser, its errors, the flags of `caddy
// sse-bridge try` and the documents' table are made of it.
type Subdirective struct {
	Name      string
	Arguments string // as errors show them; empty where it takes a block, or any words
	Shown     string // as the documents show them, where that differs
	Does      string // in Markdown
	Default   string // in Markdown; empty: none
	Trial     string // what `try --help` says of its flag; empty: there is none, as it is about clients
	Steps     bool   // `open` and `wait` have it too
	Wait      bool   // of the two, `wait` does

	parse func(p *parser, c *Config) error // reads the arguments
}

// SubdirectiveGroup is those of one purpose.
type SubdirectiveGroup struct {
	Title, About  string // in Markdown; empty for what comes first
	Subdirectives []Subdirective
}

// Subdirectives returns all that there are, in the order of the documents.
func Subdirectives() []SubdirectiveGroup {
	return []SubdirectiveGroup{
		{Title: "", About: "", Subdirectives: []Subdirective{
			{
				Name: "upstream", Shown: `{ … }`, Does: "handlers that answer the polls, such as `php_fastcgi`, instead of `<upstreams...>`", Steps: true,
				parse: func(p *parser, _ *Config) error { return p.upstreamBlock() },
			},
		}},
		{Title: "the poll", About: "the client's request with these edits", Subdirectives: []Subdirective{
			{
				Name: "method", Arguments: `<verb>`, Does: `its method`, Default: "the client's, `GET` or `POST`", Trial: "the polls' method", Steps: true,
				parse: func(p *parser, c *Config) error { return p.method(&c.Method) },
			},
			{
				Name: "rewrite", Arguments: `<uri>`, Does: "its URI; the query only if there is a `?`; `{sse.cursor}` alone follows a cursor that is a URL", Default: `the client's`, Trial: "their URI", Steps: true,
				parse: func(p *parser, c *Config) error { return p.text(&c.Rewrite) },
			},
			{
				Name: "query", Arguments: `[-]<name> [<template>]`, Does: `sets a query parameter, or deletes it`, Trial: "sets a query parameter: 'lastId={sse.cursor}' (repeatable)", Steps: true,
				parse: func(p *parser, c *Config) error { return p.edit(&c.Query) },
			},
			{
				Name: "header_up", Arguments: `[-]<name> [<template>]`, Does: `sets a header field, or deletes it`, Trial: "sets a header field: 'X-Api: 1' (repeatable)", Steps: true,
				parse: func(p *parser, c *Config) error { return p.edit(&c.HeaderUp) },
			},
			{
				Name: "cookies", Shown: `[<name...>]`, Does: `keeps only these of the client's cookies; without names, none`, Default: `all`, Trial: "keeps only these cookies: --cookies=sid; without a value, none", Steps: true,
				parse: func(p *parser, _ *Config) error { return p.cookies() },
			},
			{
				Name: "body", Arguments: `<template> [<content_type>]`, Does: `its body`, Default: `none`, Trial: "their body", Steps: true,
				parse: func(p *parser, _ *Config) error { return p.body() },
			},
			{
				Name: "open", Shown: `{ … }`, Does: "a request before the first poll, for a first cursor, a key or a session (`cursor [<name>] <value>`); again after a reset", Default: `none`, Trial: "a line of the block of a request before the first poll (repeatable)",
				parse: func(p *parser, c *Config) error { return p.step(&c.Open) },
			},
			{
				Name: "wait", Shown: `{ … when <condition> }`, Does: `a request between polls that says whether there is something to poll for`, Default: `none`, Trial: "a line of the block of a request between polls (repeatable)",
				parse: func(p *parser, c *Config) error { return p.step(&c.Wait) },
			},
		}},
		{Title: "when to poll", About: "", Subdirectives: []Subdirective{
			{
				Name: "interval", Arguments: `<min> [<max>]`, Does: "time between the starts of polls; doubles up to `max` while there is no news", Default: "`2s`", Trial: "time between polls: '2s', or '2s 1m'",
				parse: func(p *parser, _ *Config) error { return p.interval() },
			},
			{
				Name: "long_poll", Arguments: `[<hold>]`, Does: "the backend holds polls for that long (`60s` if it is not given): poll again at once", Default: `off`, Trial: "the backend holds polls; for how long: --long-poll=25s", Wait: true,
				parse: func(p *parser, _ *Config) error { return p.longPoll() },
			},
			{
				Name: "timeout", Arguments: `<duration>`, Does: `how long a poll may take`, Default: "`30s`, or hold + `10s`", Trial: "how long a poll may take", Steps: true,
				parse: func(p *parser, c *Config) error { return p.duration(&c.Timeout) },
			},
		}},
		{Title: "how to read an answer", About: "", Subdirectives: []Subdirective{
			{
				Name: "format", Arguments: `auto|json|jsonp|xml|feed|text|message, csv [header] [<separator>], or lines [<separator>]`, Shown: `auto|json|jsonp|xml|feed|csv|lines|text|message`, Does: "`xml` is read as JSON; entries, rows and lines are items; `csv [header] [<separator>]`; `lines [<separator>]`; `message`: each answer is an event, whether it has changed or not", Default: "`auto`", Trial: "auto, json, jsonp, xml, feed, csv, lines, text or message", Steps: true,
				parse: func(p *parser, _ *Config) error { return p.format() },
			},
			{
				Name: "items", Arguments: `<path>`, Does: "where the list is; each item is one event; `@this` is the answer itself", Default: `the whole answer is one event`, Trial: "path of the list in the answer; @this is the answer itself",
				parse: func(p *parser, c *Config) error { return p.text(&c.Items) },
			},
			{
				Name: "id", Arguments: `<value>`, Does: "an item's id, which is also the cursor if there is no `cursor`", Trial: "an item's id",
				parse: func(p *parser, c *Config) error { return p.text(&c.ID) },
			},
			{
				Name: "event", Arguments: `<value> [<default>]`, Does: "the events' type; `=price` is always `price`", Default: "`message`", Trial: "the events' type",
				parse: func(p *parser, _ *Config) error { return p.event() },
			},
			{
				Name: "data", Arguments: `<value>`, Does: `the events' data`, Default: `the whole item or answer`, Trial: "the events' data",
				parse: func(p *parser, c *Config) error { return p.text(&c.Data) },
			},
			{
				Name: "cursor", Arguments: `[<name>] <value>`, Does: "where the answer holds the position of the next poll. If it differs in each answer, set `id` too: clients then share polls from the next event on", Default: "the last `id`; else ETag and Last-Modified", Trial: "where the answer holds the position: 'last_seq', or 'name=path' (repeatable)", Steps: true,
				parse: func(p *parser, _ *Config) error { return p.cursor() },
			},
			{
				Name: "start", Arguments: `[<name>] <text>`, Does: `the cursor of a client that comes without one`, Default: `what needs the cursor is left out`, Trial: "the cursor of a client without one: '0', or 'name=0' (repeatable)",
				parse: func(p *parser, _ *Config) error { return p.start() },
			},
			{
				Name: "epoch", Arguments: `<value>`, Does: "changes when the backend starts over: clients get a `bridge.reset` then", Default: `none`, Trial: "a value that changes when the backend starts over",
				parse: func(p *parser, c *Config) error { return p.text(&c.Epoch) },
			},
			{
				Name: "order", Arguments: `newest_first|by_id|overlap`, Does: `reverses items; sorts them by number; drops them through the cursor's own`, Default: `oldest first`, Trial: "newest_first, by_id or overlap",
				parse: func(p *parser, c *Config) error { return p.text(&c.Order) },
			},
			{
				Name: "jq", Arguments: `<program>`, Does: "reads the answer with [jq](https://jqlang.org), in the place of `items`, `id`, `event`, `data`, `cursor` and `order`: yields `{id, event, data}` and `{cursor}` objects", Trial: "a jq program that reads the answer",
				parse: func(p *parser, c *Config) error { return p.text(&c.JQ) },
			},
			{
				Name: "diff", Arguments: `json_patch`, Does: "sends a document once (`event: snapshot`) and then what has changed (`event: patch`, RFC 6902)", Default: `off`, Trial: "json_patch: a document as what has changed of it",
				parse: func(p *parser, c *Config) error { return p.text(&c.Diff) },
			},
			{
				Name: "accept", Arguments: `<status...>`, Does: `statuses that are answers too`, Default: `200 to 299`, Trial: "statuses that are answers too: '404' (repeatable)", Steps: true,
				parse: func(p *parser, _ *Config) error { return p.accept() },
			},
			{
				Name: "ignore", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: `items that make no event; the cursor moves on behind them`, Default: `none`, Trial: "items that make no event: 'type ping' (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.Ignore) },
			},
			{
				Name: "more", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: `there is more: poll on without waiting`, Default: `none`, Trial: "there is more: poll on at once (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.More) },
			},
			{
				Name: "reset", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: "the backend has lost the position, in errors too: clients get a `bridge.reset`", Default: `none`, Trial: "the backend has lost the position (repeatable)", Steps: true,
				parse: func(p *parser, c *Config) error { return p.condition(&c.Reset) },
			},
			{
				Name: "end", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: `nothing will follow: the streams end`, Default: `none`, Trial: "nothing will follow (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.End) },
			},
			{
				Name: "retry_after", Arguments: `<value>`, Does: `seconds until the next poll at least, in the answer's body; an hour at most`, Default: `none`, Trial: "seconds to the next poll, in the answer's body", Steps: true,
				parse: func(p *parser, c *Config) error { return p.text(&c.RetryAfter) },
			},
		}},
		{Title: "what clients get", About: "", Subdirectives: []Subdirective{
			{
				Name: "replay", Arguments: `<events> [<linger>]`, Does: `for a backend that forgets what it has once answered: keep this much, for this long after the last client`, Default: "1,000 events, `5s`", Trial: "how much is kept for a backend that forgets",
				parse: func(p *parser, _ *Config) error { return p.replay() },
			},
			{
				Name: "keepalive", Arguments: `<duration>`, Does: `a comment after that much silence`, Default: "`15s`",
				parse: func(p *parser, c *Config) error { return p.duration(&c.Keepalive) },
			},
			{
				Name: "retry", Arguments: `<duration>`, Does: `how long clients wait before they reconnect, ±20 %`, Default: "`3s`",
				parse: func(p *parser, c *Config) error { return p.duration(&c.Retry) },
			},
			{
				Name: "lifetime", Arguments: `<duration>`, Does: `streams end after 80 to 100 % of it, and clients go on with a new request, which is authenticated anew`, Default: `none`,
				parse: func(p *parser, c *Config) error { return p.duration(&c.Lifetime) },
			},
			{
				Name: "notify", Does: "`event: bridge.upstream` when the backend goes down and when it is back: `{\"state\":\"down\",\"reason\":\"status 503\"}`, `{\"state\":\"up\"}`", Default: `off`,
				parse: func(p *parser, c *Config) error { return p.flag(&c.Notify) },
			},
			{
				Name: "name", Arguments: `<name>`, Does: `what the bridge is called in [metrics, logs and events](operations.md)`, Default: `a hash`,
				parse: func(p *parser, c *Config) error { return p.text(&c.Name) },
			},
			{
				Name: "cors", Arguments: `<origin...>`, Does: "origins whose scripts may listen, with credentials; or `*`, without", Default: `none`,
				parse: func(p *parser, _ *Config) error { return p.cors() },
			},
			{
				Name: "limits", Shown: `{ … }`, Does: "`feeds` 10,000 · `clients` and `clients_per_ip` none · `polls` not held, at once: 64 · `response` 8 MiB · `log` of recent events 64 MiB · `chains` 8: places of one feed that are polled at once",
				parse: func(p *parser, _ *Config) error { return p.limits() },
			},
		}},
	}
}

// limitArguments are those of the lines in `limits`.
var limitArguments = map[string]string{
	"feeds": "<n>", "chains": "<n>", "clients": "<n>", "clients_per_ip": "<n>", "polls": "<n>", "response": "<size>", "log": "<size>",
}

// subdirective returns the one of a name; zero if there is none.
func subdirective(name string) Subdirective {
	for _, group := range Subdirectives() {
		for _, s := range group.Subdirectives {
			if s.Name == name {
				return s
			}
		}
	}
	return Subdirective{}
}

// ArgumentsOf returns the arguments of a subdirective, or of a line in a block: `limits log`.
func ArgumentsOf(name string) string {
	if limit, ok := strings.CutPrefix(name, "limits "); ok {
		return limitArguments[limit]
	}
	return subdirective(name).Arguments
}

// NamesOf returns the names of those that match, sorted.
func NamesOf(match func(Subdirective) bool) (names []string) {
	for _, group := range Subdirectives() {
		for _, s := range group.Subdirectives {
			if match(s) {
				names = append(names, s.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}
