// Package config is the configuration of a bridge: its JSON, the Caddyfile block that makes it, the checks
// of both, the fingerprint by which a reload recognizes it, and the [Plan] that it compiles to.
package config

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Config is the configuration of a bridge in JSON. The handler embeds it, so it has no methods of a
// Caddy module, and none that encode it.
type Config struct {
	// The routes that answer the polls, and the requests that do not ask for an event stream.
	// They must not lead to another `sse_bridge`, and must not contain placeholders that differ
	// for each request. Required.
	Upstream caddyhttp.RouteList `json:"upstream,omitempty"`

	// The HTTP method of the polls. Default: the client's own, which is GET or POST. Accepts placeholders.
	Method string `json:"method,omitempty"`

	// The URI of the polls, which begins with `/`, `?` or a placeholder. If it has a `?`, it
	// replaces the query of the client's request; otherwise that query is kept. The edits of
	// `query` follow. It is skipped while a cursor that it contains is still unknown. Default:
	// the client's own URI. Accepts placeholders.
	Rewrite string `json:"rewrite,omitempty"`

	// Further hosts to which a cursor may lead that is a URL, or a host with a path: `eu.example.com` or
	// `eu.example.com:8443`. It needs a `rewrite` that is only a cursor. The scheme of the URL must be https,
	// or http if the `upstream` has no TLS; without one, it is that of the `upstream`. A poll of such a host is
	// the edits alone: it has nothing of the client but its Accept-Language. A cursor that leads to any other
	// host but that of the `upstream` is an error. Default: none; the host of a cursor is not used.
	Hosts []string `json:"hosts,omitempty"`

	// The edits of the poll's query, in their order. An edit is skipped while a cursor that it
	// contains is still unknown, so the first poll is the client's own request. The values accept
	// placeholders.
	Query []Edit `json:"query,omitempty"`

	// The edits of the poll's header, in their order. They are skipped like those of `query`. The
	// values accept placeholders. `Host` and the fields that belong to one connection cannot be
	// edited.
	HeaderUp []Edit `json:"header_up,omitempty"`

	// The names of the client's cookies that polls keep. An empty list keeps none: then clients
	// that differ only in their cookies share one feed. Default: all cookies.
	Cookies *[]string `json:"cookies,omitempty"`

	// The body of the polls. It is skipped while a cursor that it contains is still unknown.
	// Default: none.
	Body *Body `json:"body,omitempty"`

	// A request before the first poll of a sequence, for a first cursor, a key or a session. It is
	// repeated when the upstream has lost the position. Several are made in their order, and each
	// knows the cursors of those before it; a list of one is the same as its only element.
	// Default: none.
	Open Steps `json:"open,omitempty"`

	// A request between polls, which says whether there is something to poll for. It is not made
	// before the first poll, nor if `more` asks for the next one. Default: none.
	Wait *Step `json:"wait,omitempty"`

	// Requests that answer something in the answer to a poll, such as the ping of a session. They are
	// made once its events are on their way, before the next poll, at most ten a second. A reply that
	// fails is an error, as a failed poll is. Default: none.
	Reply []*Step `json:"reply,omitempty"`

	// A request that acknowledges what an answer held, for a queue of which the bridge is the one
	// reader. It is made once the events are in the log, before the next poll: for each item if it
	// sends `{sse.item}` or a part of it, otherwise for each answer that has items. One that fails is
	// an error; items that come again are known by their `id`, and dropped. It needs `replay`.
	// Default: none.
	Ack *Step `json:"ack,omitempty"`

	// Requests that are made again and again while a session is open, so that the upstream does not
	// end it, each with an `interval` of its own. A refusal, or a `reset` condition, ends the session,
	// and another one is opened; other failures are logged, and the polls find out the state of the
	// upstream. Default: none.
	Beat []*Step `json:"beat,omitempty"`

	// A request that ends a session, once the last client has left and `replay`'s linger is over. It is
	// made once, for 5s at most, and its failure has no effect. Default: none.
	Close *Step `json:"close,omitempty"`

	// The time between the starts of polls. In long polling it applies only after an answer without
	// news that came in less than a second. Default: 2s, always.
	Interval *Interval `json:"interval,omitempty"`

	// How long the upstream holds a poll until there is news. If it is given, the next poll
	// follows each answer at once. Default: 0, which is no long polling; in a Caddyfile,
	// `long_poll` without a value is 60s.
	LongPoll caddy.Duration `json:"long_poll,omitempty"`

	// Set for an answer that goes on: each of its records is read like an answer of its own, as soon as it is
	// complete. The value is the silence after which the request is made anew, since the connection may be
	// broken. Anything that comes breaks the silence, blank lines and comments too. A negative value allows any
	// silence. The next request is made from the last record's cursor: at once after an answer that took a second
	// and did not break off, and with a backoff otherwise. If there is no cursor, clients then get a
	// `bridge.reset` with the reason `gap`. It needs the `format` `lines`, `json`, `sse`, `multipart` or
	// `scripts`, and replaces `interval` and `long_poll`. Default: 0, which is no stream; in a Caddyfile, `stream`
	// without a value is 60s, and `stream 0` allows any silence.
	Stream caddy.Duration `json:"stream,omitempty"`

	// How long a poll may take. A poll that takes longer counts as no news in long polling, and as
	// an error otherwise. For a `stream`, how long the head of the answer may take. Default: 30s, or 10s more than
	// `long_poll`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// `off`: each node polls for itself, even if the app `sse_bridge` makes the nodes a cluster. Blocks with
	// `replay` or `stream` always do. Default: none; of the nodes that have this very block, one polls for all.
	Cluster string `json:"cluster,omitempty"`

	// How an answer is read. An answer in another format is an error, never an event. Default:
	// `auto`.
	//
	// Format | The answer
	// -------|-----------
	// `auto` | JSON if it is JSON, whatever its Content-Type says, also behind a guard such as `for(;;);`, or as an object or array in a JavaScript call; otherwise text.
	// `json` | JSON. A guard in front of it, such as `for(;;);`, is skipped.
	// `jsonp` | JSON as the argument of a JavaScript call, or plain JSON.
	// `xml` | XML, which is converted to JSON. An element becomes a member of its parent's object; the member's name is the element's name without prefix. Several elements of one name become an array. An element without attributes and children becomes a string, its text. Names of attributes begin with `-`. `#text` is the text beside attributes or children (put it in quotes in a Caddyfile).
	// `feed` | RSS, Atom or JSON Feed. Each entry is an item. In all kinds of feeds it has `guid`, `title`, `link`, `description`, `content`, `published`, `updated`, `authors`, `categories` and more.
	// `csv` | A table. Each row is an item: an array of strings or, with `header`, an object of strings. A CRLF within a cell becomes LF.
	// `lines` | Text. Each line is an item; so is a last line without a line break; in a `stream`, whose answer may be cut off, only if it is a JSON object or array. Paths work in lines that are JSON.
	// `socketio` | The packets of Socket.IO 3 or 4 in an answer of Engine.IO 4, as a JSON array. Each has a `type`: `open`, `close`, `ping`, `pong`, `message`, `upgrade`, `noop` or `binary`. A message of Socket.IO also has a `packet`: `event`, `connect`, `disconnect`, `connect_error`, `ack` or `binary_ack`, and its `namespace`. An event has its name as `event`, its arguments as the array `args` and, if it is binary, `attachments` in base64, which may come in the next answers. Other packets have `data`, or a `text` that is not of Socket.IO.
	// `sockjs` | A frame of SockJS, as a JSON object. Its `type` is `open`, `heartbeat`, `message` or `close`. A message has an array of texts as `messages`, and a close has `code` and `reason`.
	// `text` | Text, even if it looks like JSON.
	// `message` | One event, which is compared with none before.
	//
	// The records of a `stream` are read in these formats. Like any answer, a stream may be in the charset that its `Content-Type` names.
	//
	// Format | The records
	// -------|------------
	// `lines` | The lines, except blank ones.
	// `json` | JSON values one after another, or the elements of an array that does not end.
	// `sse` | The events of an event stream. Their `id` is the cursor, and goes back in `Last-Event-ID`, unless `id` or `cursor` says otherwise; `event` is the type. The fields are `{sse.header.Id}`, `{sse.header.Event}` and `{sse.header.Retry}`.
	// `multipart` | The parts of `multipart/x-mixed-replace`, `multipart/mixed` and the like. `{sse.header.NAME}` is a field of the part. `ETag` and `Last-Modified` of the part are the cursor, unless `id` or `cursor` says otherwise.
	// `scripts` | What is given to each function call in the `<script>` elements of an HTML page that does not end. `{sse.header.Call}` is the function's name.
	Format string `json:"format,omitempty"`

	// In the format `lines`, the text that separates items. Default: LF or CRLF. In the format
	// `csv`, the one character that separates cells. Default: a comma.
	Separator string `json:"separator,omitempty"`

	// In the format `csv`, whether the first row of each answer has the names of the columns. Then
	// rows are objects. Default: false.
	Header bool `json:"header,omitempty"`

	// The gjson path of the items in an answer; `@this` is the answer itself. Each item becomes
	// one event. Without `items` and `id`, the whole answer is one event, which is sent whenever
	// it changes. Default: none; in the formats `feed` and `csv`, the entries and rows.
	Items string `json:"items,omitempty"`

	// The value that identifies an item, looked up in the item. If there is no `cursor`, the
	// last item's id is the cursor. If there is no `items`, the answer itself is the list.
	// Default: none.
	ID string `json:"id,omitempty"`

	// The type of the events, for which `addEventListener` listens. Default: none, which means
	// `message`.
	Event *Type `json:"event,omitempty"`

	// The value that is an event's data, looked up in the item, or in the body if there are no
	// items. Default: the whole item or body.
	Data string `json:"data,omitempty"`

	// Where an answer contains the position of the next poll, looked up in the body. Each cursor
	// must be sent by `rewrite`, `query`, `header_up` or `body`, as `{sse.cursor}` or
	// `{sse.cursor.NAME}`. Default: the last item's `id`; without one, the answer's ETag and
	// Last-Modified.
	Cursor []Cursor `json:"cursor,omitempty"`

	// The first cursors of a client that connects without a position, by the name of the cursor;
	// the name of `{sse.cursor}` is empty. Default: none, so edits that contain the cursor are
	// skipped.
	Start map[string]string `json:"start,omitempty"`

	// What a cursor may be, by its name: a regular expression in the syntax of RE2, for all of it. An
	// event id of a client with any other cursor is one that nobody knows, and no poll is made with
	// it. It is for a cursor that stands in a query language. Default: none, so a cursor may be any
	// text.
	Matching map[string]string `json:"matching,omitempty"`

	// A value that changes when the upstream starts over, such as the start time of its process,
	// looked up in the body. When it changes, clients get a `bridge.reset`. It is part of the
	// event ids. Default: none.
	Epoch string `json:"epoch,omitempty"`

	// The order of the items in an answer. `newest_first`: they are reversed; if no edit sends the
	// cursor, the cursor's item is expected among them, and there is a gap if it is missing.
	// `by_id`: they are sorted by their ids as numbers, and items whose ids are not above the cursor
	// are dropped. `overlap`: the cursor's item is expected among them, and items up to and
	// including it are dropped. Default: the oldest item first; the last item's id is the cursor.
	//
	// With `overlap` and a `cursor`, such as the time of an item, the cursor is looked up in the items, as
	// `{sse.item.PATH}`. A poll asks for all items from the cursor on, that one included. Of these, those
	// that were sent are dropped by their ids. Several items may have one cursor, 2,000 at most.
	Order string `json:"order,omitempty"`

	// Whether the upstream's answers repeat the cursor's item, as with the order `overlap`, if the order is
	// `newest_first` or `by_id`. Then there is a gap if it is missing; with `by_id`, if all ids are above
	// the cursor. In a Caddyfile, `order by_id overlap`. Default: false.
	Overlap bool `json:"overlap,omitempty"`

	// Further statuses that count as answers, besides 200 to 299. Default: none.
	Accept []int `json:"accept,omitempty"`

	// If one of these conditions holds for an item, the item makes no event; the cursor still moves
	// past it. The values are looked up in the item. If there are no items, they are looked up in
	// the body, and a body that is ignored is no news. An answer that is ignored regardless of its
	// body, for example by `{sse.status} 409`, need not be in the format. Default: none.
	Ignore []Condition `json:"ignore,omitempty"`

	// If one of these conditions holds, there is more: the next poll follows at once. With `diff`
	// `items`, the answer is one of several pages of the set; there may be 100. The values are
	// looked up in the body. Default: none.
	More []Condition `json:"more,omitempty"`

	// If one of these conditions holds, the answer is an error, whatever its status: the poll is repeated
	// with backoff, and clients get the comment `upstream reports an error`. They apply to answers with
	// an accepted status, for example to the `error` of JSON-RPC. `Retry-After` and `retry_after`
	// lengthen the backoff. The values are looked up in the body; a condition with a path holds only
	// for JSON. `reset` goes first. Default: none.
	Fail []Condition `json:"fail,omitempty"`

	// If one of these conditions holds, events are missing between the position that the poll asked from
	// and the answer, such as with Matrix's `limited`. Clients get a `bridge.reset` with the reason `gap`,
	// and then the events of the answer. It holds for answers that have events or move the cursor. A
	// client without a position misses nothing, and gets none. The values are looked up in the body; a
	// condition with a path holds only for JSON. Default: none.
	Gap []Condition `json:"gap,omitempty"`

	// If one of these conditions holds, the session that `open` has opened is of no use any more, but
	// the position still is: `open` is repeated, and then the poll, from the same position. Clients
	// notice nothing. If it holds again for the first poll of a new session, that is an error, and the
	// next session is opened with backoff. They apply to every answer, refusals and errors too. The
	// values are looked up in the body; a condition with a path holds only for JSON. `reset` goes
	// first. Needs `open`. Default: none.
	Reopen []Condition `json:"reopen,omitempty"`

	// If one of these conditions holds, the upstream has lost the position, and clients get a
	// `bridge.reset`. They apply to every answer, refusals and errors too, for example
	// `{sse.status} 410`. The values are looked up in the body; a condition with a path holds only
	// for JSON. Default: none.
	Reset []Condition `json:"reset,omitempty"`

	// If one of these conditions holds, no more events will come: the streams end. The values are
	// looked up in the body. Default: none.
	End []Condition `json:"end,omitempty"`

	// A value that is the minimum time until the next poll, in the unit that `retry_after_unit` says, at
	// most an hour, such as `parameters.retry_after`. It is looked up in the body, also in that of errors: a 4xx that has
	// it is not a refusal. It can only lengthen the wait. The header fields `Retry-After` and
	// `X-Poll-Interval` always do the same. Default: none.
	RetryAfter string `json:"retry_after,omitempty"`

	// The unit of `retry_after`: `ms`, `s`, `m` or `h`. Default: `s`.
	RetryAfterUnit string `json:"retry_after_unit,omitempty"`

	// A [jq](https://jqlang.org) program that reads the answer, if paths are not enough. Its input is
	// `{status, headers, body}`, with the names of the headers in lower case. It yields events as
	// `{id, event, data}`, of which only `data` is required, and cursors as `{cursor}`, a text or an
	// object of texts by name. If the program does not mention `cursor`, the last event's id is the
	// cursor. It is stopped after a second or five million steps, and may yield 10,000 objects. It
	// replaces `items`, `id`, `event`, `data`, `cursor` and `order`. With `diff` it yields no `event`;
	// with `json_patch` it yields one `{data}`, the document. Default: none.
	JQ string `json:"jq,omitempty"`

	// How an answer that changes is sent. Then an answer that is not JSON is an error, in the format
	// `auto` too. Default: none; a document is sent whole each time.
	//
	// Value | What is sent
	// ------|-------------
	// `json_patch` | The answer is a document. It is sent once, as an event `snapshot`, and then only its changes (RFC 6902), as events `patch`, or a new snapshot if that is shorter. A CSV is an array of its rows; `text` and `lines` are arrays of their lines.
	// `items` | The answer is a set of items, keyed by their `id`. It is sent once, as an event `snapshot`, an array. Then each change of the set is sent as events `removed`, `changed` and `added`, in that order, each with its item. The order of the items in an answer does not count. `ignore` and `data` apply to the items: if `data` is the same, the item has not changed. With `more`, all pages are one set.
	Diff string `json:"diff,omitempty"`

	// With `diff` `items`, how a changed item is sent: `json_patch` sends its changes (RFC 6902), as
	// `{"id":"42","patch":[…]}`. Default: none; the whole item is sent.
	Changed string `json:"changed,omitempty"`

	// For an upstream that forgets events after it has sent them, because a poll acknowledges them:
	// how many recent events are kept for clients that come back, and for how long after the last
	// client has left. Then there is a single poller, and no client's id is sent upstream.
	// Default: none; 1,000 events are kept, for 5s after the last client has left.
	Replay *Replay `json:"replay,omitempty"`

	// After how much silence a stream gets a comment, so that proxies do not close it. Default: 15s.
	Keepalive caddy.Duration `json:"keepalive,omitempty"`

	// How long clients are asked to wait before they reconnect, ±20 %. Default: 3s.
	Retry caddy.Duration `json:"retry,omitempty"`

	// How long a stream may last. It ends after 80 to 100 % of this time. Its client continues after
	// the last event with a new request, which is authenticated again. Default: 0, which is no limit.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// Whether clients get an event `bridge.upstream` when the upstream goes down and when it is
	// back: `{"state":"down","reason":"status 503"}` and `{"state":"up"}`. A client that connects
	// while it is down gets the first one at once. Default: false; clients get only comments.
	Notify bool `json:"notify,omitempty"`

	// Which events tell clients of their stream. `start`: one that continues after an id begins, with
	// `bridge.start` and that id. `end`: nothing will follow, with `bridge.end`. `alive`: `bridge.alive`
	// takes the place of the comment after silence. Default: none.
	Notices []string `json:"notices,omitempty"`

	// The origins of other sites whose scripts may read the streams, with credentials, such as
	// `https://app.example.com`; or only `*` for all, without credentials. Default: none.
	CORS []string `json:"cors,omitempty"`

	// The bridge's name in metrics, logs, events and the admin API: 1 to 64 letters, digits, dots,
	// dashes and underscores. Bridges with the same name are counted together. Default: the first
	// digits of a hash of the configuration, which changes with it.
	Name string `json:"name,omitempty"`

	// Limits of the bridge.
	Limits *Limits `json:"limits,omitempty"`
}
