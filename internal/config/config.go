// Package config is the configuration of a bridge: its JSON, the Caddyfile block that makes it, the checks
// of both, the fingerprint by which a reload knows it again, and the [Plan] that it compiles to.
package config

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Config is the configuration of a bridge, as it stands in JSON. The handler embeds it, so it has no
// methods of a Caddy module, and none that encode it.
type Config struct {
	// The routes that answer the polls, and the requests that do not ask for an event stream.
	// They must not lead to another `sse_bridge`, and hold no placeholder that differs for each
	// request. Required.
	Upstream caddyhttp.RouteList `json:"upstream,omitempty"`

	// The HTTP method of the polls. Default: the client's own, which is GET or POST. Accepts placeholders.
	Method string `json:"method,omitempty"`

	// The URI of the polls, which begins with `/`, `?` or a placeholder. If it has a `?`, the
	// query of the client's request is replaced, and else kept; the edits of `query` follow.
	// It is skipped while a cursor that it holds is still unknown. Default: the client's own
	// URI. Accepts placeholders.
	Rewrite string `json:"rewrite,omitempty"`

	// The edits of the poll's query, in their order. An edit is skipped while a cursor that it
	// holds is still unknown, so that the first poll is what the client asked. The values
	// accept placeholders.
	Query []Edit `json:"query,omitempty"`

	// The edits of the poll's header, in their order, and skipped as those of `query` are. The
	// values accept placeholders. What concerns one connection alone, and `Host`, cannot be
	// edited.
	HeaderUp []Edit `json:"header_up,omitempty"`

	// The names of the client's cookies that polls keep. An empty list keeps none, which makes
	// one feed of all who differ in nothing else. Default: all cookies.
	Cookies *[]string `json:"cookies,omitempty"`

	// The body of the polls. It is skipped while a cursor that it holds is still unknown.
	// Default: none.
	Body *Body `json:"body,omitempty"`

	// A request before the first poll of a sequence, and again where the upstream has lost the
	// position, for a first cursor, a key or a session. Default: none.
	Open *Step `json:"open,omitempty"`

	// A request between polls, which says whether there is something to poll for. It is not made
	// before the first poll, nor where `more` asks for the next one. Default: none.
	Wait *Step `json:"wait,omitempty"`

	// How far apart the starts of polls are. In long polling this holds only after an answer
	// without news that came in less than a second. Default: 2s, always.
	Interval *Interval `json:"interval,omitempty"`

	// For how long the upstream holds a poll until there is news. If it is given, a new poll
	// follows each answer at once. Default: 0, which is no long polling; the Caddyfile's
	// `long_poll` without a value is 60s.
	LongPoll caddy.Duration `json:"long_poll,omitempty"`

	// For how long a poll may take. After that it is no news in long polling, and an error
	// otherwise. Default: 30s, or 10s more than `long_poll`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How an answer is read. Default: `auto`. What is not in its format is an error, never an
	// event.
	//
	// Format | The answer
	// -------|-----------
	// `auto` | JSON if it is JSON, whatever its Content-Type says, and else text.
	// `json` | JSON, behind a guard such as `for(;;);` too.
	// `jsonp` | JSON as the argument of a JavaScript call, or by itself.
	// `xml` | XML, which is read as JSON: an element is a member of its parent's object by its name without prefix; several of one name are an array; an element without attributes and children is its text, as a string; `-` stands before the names of attributes, and `#text` (in quotes, in a Caddyfile) is the text beside them.
	// `feed` | RSS, Atom or JSON Feed. Each entry is an item, with `guid`, `title`, `link`, `description`, `content`, `published`, `updated`, `authors`, `categories` and more, whichever kind of feed it is.
	// `csv` | A table. Each row is an item: an array of strings, or, with `header`, an object of strings.
	// `lines` | Text. Each line is an item, the last one whether it is ended or not. Paths find something in lines that are JSON.
	// `text` | Text, even if it looks like JSON.
	// `message` | One event, which is compared with none before.
	Format string `json:"format,omitempty"`

	// What stands between items in the format `lines`. Default: LF or CRLF. In the format `csv`,
	// the one character that stands between cells. Default: a comma.
	Separator string `json:"separator,omitempty"`

	// Whether the first row of each answer names the columns, in the format `csv`. Rows are
	// objects then. Default: false.
	Header bool `json:"header,omitempty"`

	// The gjson path of the items in an answer; `@this` is the answer itself. Each item becomes
	// one event. Without it, and without `id`, the whole answer is one event that is sent
	// whenever it changes. Default: none; in the formats `feed` and `csv`, the entries and rows.
	Items string `json:"items,omitempty"`

	// The value that identifies an item, looked up in the item. If there is no `cursor`, the
	// last item's id is the cursor. Without `items`, it makes the answer itself the list.
	// Default: none.
	ID string `json:"id,omitempty"`

	// The type of the events, which is what `addEventListener` listens for. Default: none,
	// which is `message`.
	Event *Type `json:"event,omitempty"`

	// The value that is an event's data, looked up in the item, or in the body where there are
	// no items. Default: the whole item or body.
	Data string `json:"data,omitempty"`

	// Where an answer holds the position of the next poll, looked up in the body. Each cursor
	// must be sent by `rewrite`, `query`, `header_up` or `body`, as `{sse.cursor}` or
	// `{sse.cursor.NAME}`. Default: the last item's `id`; without one, the answer's ETag and
	// Last-Modified.
	Cursor []Cursor `json:"cursor,omitempty"`

	// What the cursors are in the polls of a client that comes without a position, by the name
	// of the cursor; the empty name is that of `{sse.cursor}`. Default: none, so that what
	// holds the cursor is skipped.
	Start map[string]string `json:"start,omitempty"`

	// A value that changes when the upstream starts over, such as the start time of its
	// process, looked up in the body. Clients are told so by a `bridge.reset` then. It is part
	// of the event ids. Default: none.
	Epoch string `json:"epoch,omitempty"`

	// In which order items come: `newest_first` (they are reversed; where nothing sends the cursor,
	// its own item is expected among them, or there is a gap), `by_id` (they are sorted
	// by their ids as numbers, and those that are not above the cursor are dropped), or
	// `overlap` (the cursor's own item is expected among them, and they are dropped through
	// it). Default: oldest first, with the last item's id as the cursor.
	Order string `json:"order,omitempty"`

	// The statuses that are answers, beside those from 200 to 299. Default: none.
	Accept []int `json:"accept,omitempty"`

	// The items that make no event: those for which any of these holds. They count otherwise: the
	// cursor moves on behind them. The values are looked up in the item; where there are no items,
	// in the body, and a body that is ignored is no news. An answer that is ignored whatever is in
	// it, by `{sse.status} 409`, say, need not be in the format. Default: none.
	Ignore []Condition `json:"ignore,omitempty"`

	// There is more to be had at once where any of these holds, so that the next poll is not waited
	// for. The values are looked up in the body. Default: none.
	More []Condition `json:"more,omitempty"`

	// The upstream does not know the position any more where any of these holds, in whatever it
	// answers, refusals and errors too: `{sse.status} 410`, say. Clients are told so by a
	// `bridge.reset`. The values are looked up in the body; a path holds for nothing but JSON.
	// Default: none.
	Reset []Condition `json:"reset,omitempty"`

	// There will never be more events where any of these holds in an answer: the streams end. The
	// values are looked up in the body. Default: none.
	End []Condition `json:"end,omitempty"`

	// A value that is the least time until the next poll, in seconds and an hour at most, such as
	// `parameters.retry_after`; looked up in the body, of errors too: a 4xx that has it is no
	// refusal. It can only lengthen the wait, as `Retry-After` and `X-Poll-Interval` in the
	// header do always. Default: none.
	RetryAfter string `json:"retry_after,omitempty"`

	// A [jq](https://jqlang.org) program that reads the answer, for what paths cannot say. It is
	// given `{status, headers, body}`, the names of the headers in lower case, and yields events
	// as `{id, event, data}`, of which only `data` must be there, and cursors as `{cursor}`, a
	// text or an object of texts by name. Without a word of `cursor` in it, the last event's id
	// is the cursor. It is stopped after a second or five million steps, and may yield 10,000
	// objects. Not with `items`, `id`, `event`, `data`, `cursor` and `order`, whose place it takes,
	// and not with `diff`. Default: none.
	JQ string `json:"jq,omitempty"`

	// How a document that changes is sent: `json_patch` (RFC 6902) sends it once, as an event
	// `snapshot`, and then what has changed, as events `patch`; and a snapshot where a patch would
	// be longer. An answer that is no JSON is an error then, in the format `auto` too. Default: none,
	// which sends it whole each time.
	Diff string `json:"diff,omitempty"`

	// Set for an upstream that forgets what it has once answered, because polling acknowledges
	// it: how much of the recent events is kept for clients that come back, and for how long
	// after the last one. There is a single poller then, and no client's id goes upstream.
	// Default: none; 1,000 events are kept, and for 5s after the last client.
	Replay *Replay `json:"replay,omitempty"`

	// After how much silence a stream gets a comment, so that nothing on the way closes it.
	// Default: 15s.
	Keepalive caddy.Duration `json:"keepalive,omitempty"`

	// How long clients are asked to wait until they reconnect, give or take 20 %. Default: 3s.
	Retry caddy.Duration `json:"retry,omitempty"`

	// For how long a stream may last. It ends between 80 and 100 % of this, after what was sent last,
	// and its client goes on from there with a new request, which is authenticated anew. Default: 0,
	// which is no end.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// Whether clients get an event `bridge.upstream` when the upstream goes down and when it is
	// back, `{"state":"down","reason":"status 503"}` and `{"state":"up"}`; who comes while it is
	// down gets the first at once. Default: false, which is comments alone.
	Notify bool `json:"notify,omitempty"`

	// The origins of other sites whose scripts may read the streams, with credentials, such as
	// `https://app.example.com`; or `*` alone for all, without credentials. Default: none.
	CORS []string `json:"cors,omitempty"`

	// What the bridge is called in metrics, logs, events and the admin API: 1 to 64 letters, digits,
	// dots, dashes and underscores. Bridges of one name are counted together. Default: the first
	// digits of a hash of the configuration, which changes with it.
	Name string `json:"name,omitempty"`

	// The bounds of what the bridge takes on.
	Limits *Limits `json:"limits,omitempty"`
}
