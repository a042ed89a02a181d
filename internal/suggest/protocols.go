package suggest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// protocol is one that is known by its marks, and needs no tries.
type protocol struct {
	name  string
	is    func(*findings) bool
	write func(*findings, *Block)
}

// has reports whether the answer's JSON has all of these paths.
func (f *findings) has(paths ...string) bool {
	for _, p := range paths {
		if !f.found.JSON || !gjson.GetBytes(f.found.Body, p).Exists() {
			return false
		}
	}
	return true
}

// foundText is the text at a path of the answer's JSON.
func (f *findings) foundText(path string) string { return gjson.GetBytes(f.found.Body, path).Str }

var syncthingEvents = regexp.MustCompile(`/rest/events(/disk)?$`)

var botToken = regexp.MustCompile(`/bot(\d+:[\w-]+)/`)

var etcdKeys = regexp.MustCompile(`/v2/keys(/|$)`)

// protocols are the known ones; of those that a URL has the marks of, the first counts.
var protocols = slices.Concat(streamed, sessions, polled, sets, wikis)

// polled are protocols that are polled.
var polled = []protocol{
	{
		"CouchDB's changes",
		func(f *findings) bool { return f.has("results", "last_seq") },
		func(f *findings, b *Block) {
			b.add("CouchDB's changes: with feed=longpoll it holds a request for a minute at most", "long_poll", "60s")
			b.fixed(f.URL, "feed", "since", "heartbeat", "timeout")
			b.add("so that it holds requests", "query", "feed", "longpoll")
			b.add("each change is an event", "items", "results")
			b.add("each has its sequence", "id", "seq")
			b.add("to ask for the next ones", "query", "since", "{sse.cursor}")
			if since := f.URL.Query().Get("since"); since != "" {
				b.add("a client without an id begins here", "start", since)
			}
		},
	},
	{
		"Consul's blocking queries",
		func(f *findings) bool { return f.first.Header.Get("X-Consul-Index") != "" },
		func(f *findings, b *Block) { blocking(f, b, "X-Consul-Index") },
	},
	{
		"Nomad's blocking queries",
		func(f *findings) bool { return f.first.Header.Get("X-Nomad-Index") != "" },
		func(f *findings, b *Block) { blocking(f, b, "X-Nomad-Index") },
	},
	{
		"Matrix",
		func(f *findings) bool {
			return f.has("next_batch") && (f.has("rooms") || strings.Contains(f.URL.Path, "/_matrix/"))
		},
		func(f *findings, b *Block) {
			b.add("Matrix holds a request for as long as its `timeout` says", "long_poll", "30s")
			b.fixed(f.URL, "since", "timeout")
			b.add("30s, in milliseconds", "query", "timeout", "30000")
			b.add("rooms are members of an object: these are the events of all of them", "items", "rooms.join.@values.#.timeline.events|@flatten")
			b.add("distinguishes events", "id", "event_id")
			b.add("such as m.room.message", "event", "type")
			b.add("the position of the whole answer, not of an event", "cursor", "next_batch")
			b.add("to ask for the next answer", "query", "since", "{sse.cursor}")
		},
	},
	{
		"etcd's version 2 keys",
		func(f *findings) bool {
			return f.has("node.modifiedIndex", "action") || f.first.held && etcdKeys.MatchString(f.URL.Path)
		},
		func(f *findings, b *Block) {
			b.add("a watch of etcd holds a request until a key changes", "long_poll")
			b.fixed(f.URL, "wait", "recursive", "waitIndex")
			b.add("which makes it a watch", "query", "wait", "true")
			b.add("includes the keys below it", "query", "recursive", "true")
			b.add("the answer is the change", "items", "@this")
			b.add("its number", "id", "node.modifiedIndex")
			b.add("set, delete, expire, …", "event", "action")
			b.add("the next number is requested: a watch begins with the number it is given", "query", "waitIndex", "{sse.cursor+1}")
			b.add("etcd keeps 1,000 changes: a client that asks for an older one has missed some", "reset", "errorCode", "401")
		},
	},
	{
		"Telegram's updates",
		func(f *findings) bool { return f.has("ok", "result") && strings.HasSuffix(f.URL.Path, "/getUpdates") },
		func(f *findings, b *Block) {
			if botToken.MatchString(f.URL.Path) {
				b.Path = "/getUpdates"
				b.add("the token of the bot is in the path: pass it to Caddy in its environment, as BOT_TOKEN", "rewrite", botToken.ReplaceAllString(f.URL.Path, "/bot{env.BOT_TOKEN}/"))
			}
			b.add("Telegram holds a request for as long as its `timeout` says", "long_poll", "50s")
			b.fixed(f.URL, "offset", "timeout")
			b.add("in seconds", "query", "timeout", "50")
			b.add("each update is an event", "items", "result")
			b.add("with its number", "id", "update_id")
			b.add("the next number is requested, which confirms this one", "query", "offset", "{sse.cursor+1}")
			b.add("Telegram forgets confirmed updates: the bridge keeps them for clients that come back", "replay", "1000", "60s")
		},
	},
	{
		"Syncthing's events",
		func(f *findings) bool {
			return f.first.Header.Get("X-Syncthing-Version") != "" && syncthingEvents.MatchString(f.URL.Path) && f.found.JSON
		},
		func(f *findings, b *Block) {
			b.add("Syncthing holds a request for as long as its `timeout` says", "long_poll", "30s")
			b.fixed(f.URL, "since", "timeout", "limit")
			b.add("in seconds: shorter than long_poll, so that Syncthing ends the request", "query", "timeout", "25")
			b.add("each event is one", "items", "@this")
			b.add("its number", "id", "id")
			b.add("such as ItemFinished", "event", "type")
			b.add("numbers begin anew when Syncthing is restarted", "order", "by_id")
			b.add("to ask for the next ones; without `limit`, which leaves out those between", "query", "since", "{sse.cursor}")
		},
	},
	{
		"a query of Prometheus",
		func(f *findings) bool {
			return f.has("status", "data.result") && f.foundText("data.resultType") == "vector"
		},
		func(f *findings, b *Block) {
			b.add("it answers at once; what Prometheus collects changes at its own interval", "interval", "5s", "15s")
			b.fixed(f.URL)
			b.add("each series and its value; without the time of the query, which each answer has", "data", `data.result.#.{metric,"value":value.1}`)
		},
	},
	{
		"a log of Jenkins",
		func(f *findings) bool { return f.first.Header.Get("X-Text-Size") != "" },
		func(f *findings, b *Block) {
			b.add("it answers at once", "interval", "1s", "5s")
			b.fixed(f.URL, "start")
			b.add("a log: each line is an event", "format", "lines")
			b.add("its length so far", "cursor", "{sse.header.X-Text-Size}")
			b.add("where the next part begins", "query", "start", "{sse.cursor}")
			b.add("answers have this header while the build runs", "end", "!{sse.header.X-More-Data}")
		},
	},
	{
		"OData's deltas",
		func(f *findings) bool {
			return f.has("value") && (f.has(`@odata\.deltaLink`) || f.has(`@odata\.nextLink`))
		},
		func(f *findings, b *Block) {
			b.add("it answers at once: every 10s, and up to a minute apart", "interval", "10s", "1m")
			b.fixed(f.URL)
			b.add("each change is an event", "items", "value")
			b.add("while there are pages, the next one", "cursor", `@odata\.nextLink`)
			b.add("after the last one, where the next changes will be", "cursor", `@odata\.deltaLink`)
			b.add("both are URLs, which are followed below the path", "rewrite", "{sse.cursor}")
			b.add("there are more pages", "more", `@odata\.nextLink`)
			b.add("the position is too old", "reset", "{sse.status}", "410")
		},
	},
}

// blocking writes how a document is waited for that has its index in a header.
func blocking(f *findings, b *Block, header string) {
	b.add("with an index, it holds a request until the document may have changed", "long_poll")
	b.fixed(f.URL, "index", "wait")
	b.add("shorter than long_poll, so that the endpoint ends the request", "query", "wait", "50s")
	b.add("the answer for a missing key has an index too", "accept", strconv.Itoa(http.StatusNotFound))
	b.add("the index of the document", "cursor", "{sse.header."+header+"}")
	b.add("to wait for the next change", "query", "index", "{sse.cursor}")
}
