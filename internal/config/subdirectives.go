package config

import (
	"slices"
	"strings"
)

// Directive is the name of the block, and of the handler in JSON.
const Directive = "sse_bridge"

// Subdirective describes one subdirective of a block. The parser, its errors, the flags of `caddy
// sse-bridge try` and the table in the documents are all made from this description.
type Subdirective struct {
	Name      string
	Arguments string     // as errors show them; empty if it takes a block, or any words
	Shown     string     // as the documents show them, if that differs
	Does      string     // in Markdown
	Default   string     // in Markdown; empty: none
	Trial     string     // what `try --help` says about its flag; empty: it concerns clients or other nodes, and has no flag
	Steps     []StepKind // those in whose blocks it can be used too

	parse func(p *parser, c *Config) error // reads the arguments
}

// SubdirectiveGroup holds the subdirectives of one purpose.
type SubdirectiveGroup struct {
	Title, About  string // in Markdown; empty for the first group
	Subdirectives []Subdirective
}

// anyStep are all steps.
var anyStep = []StepKind{KindOpen, KindWait, KindReply, KindAck, KindBeat, KindClose}

// Subdirectives returns all subdirectives, in the order of the documents.
func Subdirectives() []SubdirectiveGroup {
	return []SubdirectiveGroup{
		{Title: "", About: "", Subdirectives: []Subdirective{
			{
				Name: "upstream", Shown: `{ … }`, Does: "handlers that answer the polls, such as `php_fastcgi`, instead of `<upstreams...>`", Steps: anyStep,
				parse: func(p *parser, _ *Config) error { return p.upstreamBlock() },
			},
			{
				Name: "session", Arguments: sessionArguments(), Shown: `<transport> [<arguments...>]`, Does: "the subdirectives of a session transport, as [written out](sessions.md) for each: `bayeux`, `bosh`, `phoenix`, `signalr`, `socketio` or `sockjs`", Trial: "the subdirectives of a session transport, such as 'bayeux /chat'",
				parse: func(p *parser, _ *Config) error { p.RemainingArgs(); return nil }, // it is expanded before
			},
		}},
		{Title: "the poll", About: "the client's request with these edits", Subdirectives: []Subdirective{
			{
				Name: "method", Arguments: `<verb>`, Does: `its method`, Default: "the client's, `GET` or `POST`", Trial: "the polls' method", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.method(&c.Method) },
			},
			{
				Name: "rewrite", Arguments: `<uri>`, Does: "its URI; the query is replaced only if there is a `?`. If the cursor is a URL, `rewrite {sse.cursor}` follows it", Default: `the client's`, Trial: "their URI", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.text(&c.Rewrite) },
			},
			{
				Name: "hosts", Arguments: `<host...>`, Does: "further hosts to which [a cursor that is a URL](#where-the-position-comes-from) may lead, without the client's credentials", Default: `none`, Trial: "a further host to which a cursor that is a URL may lead (repeatable)",
				parse: func(p *parser, _ *Config) error { return p.hosts() },
			},
			{
				Name: "query", Arguments: `[-]<name> [<template>]`, Does: `sets a query parameter, or deletes it`, Trial: "sets a query parameter: 'lastId={sse.cursor}' (repeatable)", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.edit(&c.Query) },
			},
			{
				Name: "header_up", Arguments: `[-]<name> [<template>]`, Does: `sets a header field, or deletes it`, Trial: "sets a header field: 'X-Api: 1' (repeatable)", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.edit(&c.HeaderUp) },
			},
			{
				Name: "cookies", Shown: `[<name...>]`, Does: `keeps only these cookies of the client; without names, none`, Default: `all`, Trial: "keeps only these cookies: --cookies=sid; without a value, none", Steps: anyStep,
				parse: func(p *parser, _ *Config) error { return p.cookies() },
			},
			{
				Name: "body", Arguments: `<template> [<content_type>]`, Does: `its body`, Default: `none`, Trial: "their body", Steps: anyStep,
				parse: func(p *parser, _ *Config) error { return p.body() },
			},
			{
				Name: "open", Shown: `{ … }`, Does: "a request before the first poll, for a first cursor, a key or a session (`cursor [<name>] <value>`); it is repeated after a reset. Several are made in their order", Default: `none`, Trial: "a line of the block open, a request before the first poll (repeatable)",
				parse: func(p *parser, c *Config) error { return p.steps(&c.Open) },
			},
			{
				Name: "wait", Shown: `{ … when <condition> }`, Does: `a request between polls that says whether there is something to poll for`, Default: `none`, Trial: "a line of the block wait, a request between polls (repeatable)",
				parse: func(p *parser, c *Config) error { return p.soleStep(&c.Wait) },
			},
			{
				Name: "reply", Shown: `{ … when <condition> }`, Does: "a request that answers something in an answer, such as a ping: `when` looks in each item, ignored or not", Default: `none`, Trial: "a line of the block reply, a request that answers something in an answer (repeatable)",
				parse: func(p *parser, c *Config) error { return p.steps((*Steps)(&c.Reply)) },
			},
			{
				Name: "ack", Shown: `{ … }`, Does: "a request that acknowledges what an answer held, once it is in the log: for each item if it sends `{sse.item…}`, otherwise for each answer that has items. It needs `replay`", Default: `none`, Trial: "a line of the block ack, a request that acknowledges what an answer held (repeatable)",
				parse: func(p *parser, c *Config) error { return p.soleStep(&c.Ack) },
			},
			{
				Name: "beat", Arguments: `<interval>`, Shown: `<interval> { … }`, Does: "a request that is made again and again while a session is open, at most once a second", Default: `none`,
				parse: func(p *parser, c *Config) error { return p.steps((*Steps)(&c.Beat)) },
			},
			{
				Name: "close", Shown: `{ … }`, Does: "a request that ends a session, once the last client has left", Default: `none`, Trial: "a line of the block close, a request that ends a session (repeatable)",
				parse: func(p *parser, c *Config) error { return p.soleStep(&c.Close) },
			},
		}},
		{Title: "when to poll", About: "", Subdirectives: []Subdirective{
			{
				Name: "interval", Arguments: `<min> [<max>]`, Does: "time between the starts of polls; doubles up to `max` while there is no news", Default: "`2s`", Trial: "time between polls: '2s', or '2s 1m'",
				parse: func(p *parser, _ *Config) error { return p.interval() },
			},
			{
				Name: "long_poll", Arguments: `[<hold>]`, Does: "the backend holds each poll for up to this time (default: `60s`); the next poll follows each answer at once, and an answer without news that was not held after the `interval`; so it does after more than ten in a row that only move the cursor", Default: `off`, Trial: "the backend holds polls, for example for 25s: --long-poll=25s", Steps: []StepKind{KindWait},
				parse: func(p *parser, _ *Config) error { return p.longPoll() },
			},
			{
				Name: "stream", Arguments: `[<silence>]`, Does: "the answer goes on, and each record in it is read like an answer, as soon as it is complete; the request is made anew after this much silence (default: `60s`; `0`: never). It needs a `format`", Default: `off`, Trial: "the answer goes on, and is broken after that much silence: --stream=60s",
				parse: func(p *parser, _ *Config) error { return p.stream() },
			},
			{
				Name: "timeout", Arguments: `<duration>`, Does: `how long a poll may take`, Default: "`30s`, or hold + `10s`", Trial: "how long a poll may take", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.duration(&c.Timeout) },
			},
			{
				Name: "cluster", Arguments: `off`, Does: "`off`: each node polls for itself, even if the nodes are a cluster", Default: "shared, if the nodes are a cluster",
				parse: func(p *parser, _ *Config) error { return p.cluster() },
			},
		}},
		{Title: "how to read an answer", About: "", Subdirectives: []Subdirective{
			{
				Name: "format", Arguments: `auto|json|jsonp|xml|feed|socketio|sockjs|text|message|sse|multipart|scripts, csv [header] [<separator>], or lines [<separator>]`, Shown: `auto|json|jsonp|xml|feed|csv|lines|socketio|sockjs|text|message|sse|multipart|scripts`, Does: "`xml`, `socketio` and `sockjs` are read as JSON; entries, rows and lines are items; `csv [header] [<separator>]`; `lines [<separator>]`; `message`: each answer is an event, whether it has changed or not. The records of a `stream`: `lines`, `json`, `sse`, `multipart`, `scripts`", Default: "`auto`", Trial: "auto, json, jsonp, xml, feed, csv, lines, socketio, sockjs, text or message; of a stream lines, json, sse, multipart or scripts", Steps: anyStep,
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
				Name: "cursor", Arguments: `[<name>] <value> [regexp <pattern>]`, Does: "where the answer contains the position of the next poll, or the part of a text that a pattern's group finds. If it differs in each answer, set `id` too: clients then share polls from the next event on", Default: "the last `id`; else ETag and Last-Modified", Trial: "where the answer contains the position: 'last_seq', or 'name=path' (repeatable)", Steps: anyStep,
				parse: func(p *parser, _ *Config) error { return p.cursor() },
			},
			{
				Name: "start", Arguments: `[<name>] <text>`, Does: `the cursor of a client that connects without one`, Default: `edits that need the cursor are skipped`, Trial: "the cursor of a client without one: '0', or 'name=0' (repeatable)",
				parse: func(p *parser, _ *Config) error { return p.start() },
			},
			{
				Name: "matching", Arguments: `[<name>] <regexp>`, Does: "what a cursor may be, all of it. An id of a client with another one is [not known](event-ids.md#ids-that-cannot-be-read). It is for a cursor that stands in a [query language](#cursors-in-a-query-language)", Default: `anything`, Trial: "what a cursor may be: '\\d+', or 'name \\d+' (repeatable)",
				parse: func(p *parser, _ *Config) error { return p.matching() },
			},
			{
				Name: "epoch", Arguments: `<value>`, Does: "a value that changes when the backend starts over; clients then get a `bridge.reset`", Default: `none`, Trial: "a value that changes when the backend starts over", Steps: []StepKind{KindOpen},
				parse: func(p *parser, c *Config) error { return p.text(&c.Epoch) },
			},
			{
				Name: "order", Arguments: `newest_first|by_id|overlap [overlap]`, Does: "`newest_first` reverses the items; `by_id` sorts them by number; `overlap` drops items up to and including the cursor's, alone or behind one of the others", Default: `oldest first`, Trial: "newest_first, by_id or overlap",
				parse: func(p *parser, _ *Config) error { return p.order() },
			},
			{
				Name: "jq", Arguments: `<program>`, Does: "a [jq](https://jqlang.org) program that reads the answer, instead of `items`, `id`, `event`, `data`, `cursor` and `order`; its input is `{status, headers, body}`; it yields `{id, event, data}` and `{cursor}` objects, with `diff` no `event`, and with `diff json_patch` one `{data}`", Trial: "a jq program that reads the answer", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.text(&c.JQ) },
			},
			{
				Name: "diff", Arguments: `json_patch, items or items json_patch`, Shown: `json_patch|items [json_patch]`, Does: "sends only changes. `json_patch`: of a document (`event: snapshot`, then `patch`, RFC 6902). `items`: of [a list](#lists-that-change-in-place) (`snapshot`, then `removed`, `changed`, `added`)", Default: `off`, Trial: "json_patch: send only the changes of a document; items: those of a list",
				parse: func(p *parser, _ *Config) error { return p.diff() },
			},
			{
				Name: "accept", Arguments: `<status...>`, Does: `further statuses that count as answers`, Default: `200 to 299`, Trial: "further statuses that count as answers: '404' (repeatable)", Steps: anyStep,
				parse: func(p *parser, _ *Config) error { return p.accept() },
			},
			{
				Name: "ignore", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: `items that make no event; the cursor still moves past them`, Default: `none`, Trial: "items that make no event: 'type ping' (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.Ignore) },
			},
			{
				Name: "more", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: `there is more: the next poll follows at once`, Default: `none`, Trial: "there is more: the next poll follows at once (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.More) },
			},
			{
				Name: "fail", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: "the answer is an error, whatever its status: the poll is repeated with backoff", Default: `none`, Trial: "the answer is an error, whatever its status: 'error' (repeatable)", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.condition(&c.Fail) },
			},
			{
				Name: "gap", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: "events are missing before those of the answer: clients get a `bridge.reset`, and then these events", Default: `none`, Trial: "events are missing before those of the answer (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.Gap) },
			},
			{
				Name: "reopen", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: "the session has ended, but not the position: `open` is repeated, and the poll continues where it was. Error responses are checked too", Default: `none`, Trial: "the session has ended, but not the position (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.Reopen) },
			},
			{
				Name: "reset", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: "the backend has lost the position: clients get a `bridge.reset`. Error responses are checked too", Default: `none`, Trial: "the backend has lost the position (repeatable)", Steps: anyStep,
				parse: func(p *parser, c *Config) error { return p.condition(&c.Reset) },
			},
			{
				Name: "end", Arguments: `[!]<value> [<match>...]`, Shown: `<condition>`, Does: `no more events will come: the streams end`, Default: `none`, Trial: "no more events will come (repeatable)",
				parse: func(p *parser, c *Config) error { return p.condition(&c.End) },
			},
			{
				Name: "retry_after", Arguments: `<value> [ms|s|m|h]`, Does: `minimum time until the next poll, from the answer's body, in seconds or another unit; at most an hour`, Default: `none`, Trial: "minimum time until the next poll, from the answer's body: 'backoff', or 'backoff ms'", Steps: anyStep,
				parse: func(p *parser, _ *Config) error { return p.retryAfter() },
			},
		}},
		{Title: "what clients get", About: "", Subdirectives: []Subdirective{
			{
				Name: "replay", Arguments: `<events> [<linger>]`, Does: `for a backend that forgets events after it has sent them: how many events to keep, and for how long after the last client has left`, Default: "1,000 events, `5s`", Trial: "how many events to keep for a backend that forgets them",
				parse: func(p *parser, _ *Config) error { return p.replay() },
			},
			{
				Name: "keepalive", Arguments: `<duration>`, Does: `sends a comment after this much silence`, Default: "`15s`",
				parse: func(p *parser, c *Config) error { return p.duration(&c.Keepalive) },
			},
			{
				Name: "retry", Arguments: `<duration>`, Does: `how long clients wait before they reconnect, ±20 %`, Default: "`3s`",
				parse: func(p *parser, c *Config) error { return p.duration(&c.Retry) },
			},
			{
				Name: "lifetime", Arguments: `<duration>`, Does: `streams end after 80 to 100 % of this time; clients continue with a new request, which is authenticated again`, Default: `none`,
				parse: func(p *parser, c *Config) error { return p.duration(&c.Lifetime) },
			},
			{
				Name: "notify", Does: "`event: bridge.upstream` when the backend goes down and when it is back: `{\"state\":\"down\",\"reason\":\"status 503\"}`, `{\"state\":\"up\"}`", Default: `off`,
				parse: func(p *parser, c *Config) error { return p.flag(&c.Notify) },
			},
			{
				Name: "notices", Arguments: `start|end|alive...`, Does: "[events about the stream itself](streams.md#notices): that a resumed stream begins, that nothing will follow, that a silent stream lives (in the place of the comment of `keepalive`)", Default: `none`,
				parse: func(p *parser, _ *Config) error { return p.notices() },
			},
			{
				Name: "name", Arguments: `<name>`, Does: `the bridge's name in [metrics, logs and events](operations.md)`, Default: `a hash`,
				parse: func(p *parser, c *Config) error { return p.text(&c.Name) },
			},
			{
				Name: "cors", Arguments: `<origin...>`, Does: "origins whose scripts may read the streams, with credentials; or `*`, without credentials", Default: `none`,
				parse: func(p *parser, _ *Config) error { return p.cors() },
			},
			{
				Name: "limits", Shown: `{ … }`, Does: "`feeds` 10,000 · `clients` and `clients_per_ip` none · `polls` at the same time, long polls not counted: 64 · `streams` of the backend: 1,000 · `response` 8 MiB · `log` of recent events 64 MiB · `chains` 8: positions of one feed that are polled at the same time",
				parse: func(p *parser, _ *Config) error { return p.limits() },
			},
		}},
	}
}

// limitArguments are the arguments of the lines in `limits`.
var limitArguments = map[string]string{
	"feeds": "<n>", "chains": "<n>", "clients": "<n>", "clients_per_ip": "<n>", "polls": "<n>", "streams": "<n>", "response": "<size>", "log": "<size>",
}

// subdirective returns the subdirective with a name; the zero value if the name is unknown.
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

// ArgumentsOf returns the arguments of a subdirective, or of a line in a block, such as `limits log`.
func ArgumentsOf(name string) string {
	if limit, ok := strings.CutPrefix(name, "limits "); ok {
		return limitArguments[limit]
	}
	return subdirective(name).Arguments
}

// NamesOf returns the names of the subdirectives that match, sorted.
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
