package suggest

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	etcdWatch  = regexp.MustCompile(`/v3(?:alpha|beta)?/watch$`)
	kubernetes = regexp.MustCompile(`/(?:api/v1|apis/[^/]+/v\d[^/]*)/`)
	docker     = regexp.MustCompile(`^(?:/v1\.\d+)?/events$`)
)

// streamed are protocols whose answers go on. Some of them know no GET, so that the URL is their mark.
var streamed = []protocol{
	{
		"a watch of etcd's version 3, which a POST begins",
		func(f *findings) bool { return etcdWatch.MatchString(f.URL.Path) },
		func(f *findings, b *Block) {
			b.add("its answer goes on, and is silent while no key changes", "stream", "0")
			b.add("values, one after another: each is a record", "format", "json")
			b.add("a watch is begun by a POST", "method", http.MethodPost)
			b.add("of all keys; keys are base64: the prefix app/ is \"key\":\"YXBwLw==\",\"range_end\":\"YXBwMA==\"", "body",
				`{"create_request":{"key":"AA==","range_end":"AA==","start_revision":"{sse.cursor+1}"}}`)
			b.step("a new client's watch begins after the present revision", "open", "method POST", "rewrite "+strings.TrimSuffix(f.URL.Path, "watch")+"kv/range",
				"body `{\"key\":\"AA==\",\"limit\":\"1\"}`", "cursor header.revision")
			b.add("each change of a key is an event", "items", "result.events")
			b.add("its revision; `header.revision` is only that of the time of sending", "id", "kv.mod_revision")
			b.add("DELETE; without a type it is a PUT", "event", "type", "PUT")
			b.add("the revision has been compacted, so a client that asks for it has missed some", "reset", "result.canceled")
			b.add("such as at its end", "fail", "error")
		},
	},
	{
		"Icinga's events, which a POST begins",
		func(f *findings) bool {
			return strings.HasSuffix(f.URL.Path, "/v1/events") && (f.untrusted || strings.HasPrefix(f.first.Header.Get("Server"), "Icinga"))
		},
		func(f *findings, b *Block) {
			if f.untrusted {
				b.Upstream = []string{"upstream {", "\treverse_proxy https://" + f.URL.Host + " {", "\t\ttransport http {", "\t\t\ttls_trust_pool file ca.crt", "\t\t}", "\t}", "}"}
				b.Notes = append(b.Notes, "its certificate is not trusted: ca.crt is that of the authority that has signed it")
			}
			b.add("its answer goes on, and is silent while nothing happens. It has no position: any silence is good, since what comes while the request is made anew is lost", "stream", "0")
			b.add("each line is a record", "format", "lines")
			b.add("the events are asked for by a POST", "method", http.MethodPost)
			b.fixed(f.URL, "queue", "types")
			b.add("each is required", "query", "queue", cmp.Or(f.URL.Query().Get("queue"), "sse_bridge"))
			b.add("which events; another `types` in a body of JSON can name several", "query", "types", cmp.Or(f.URL.Query().Get("types"), "StateChange"))
			b.add("StateChange, CheckResult, …", "event", "type")
			b.Notes = append(b.Notes, "it requires a login: header_up Authorization \"Basic {env.ICINGA_LOGIN}\"")
		},
	},
	{
		"a watch of Kubernetes",
		func(f *findings) bool {
			watch := f.URL.Query().Get("watch")
			return kubernetes.MatchString(f.URL.Path) && (watch == "1" || watch == "true" || f.has("kind", "apiVersion", "metadata.resourceVersion", "items"))
		},
		func(f *findings, b *Block) {
			b.add("its answer goes on; it sends a bookmark about once a minute", "stream", "5m")
			b.add("each line is a record", "format", "lines")
			b.fixed(f.URL, "watch", "allowWatchBookmarks", "resourceVersion", "timeoutSeconds", "limit")
			b.add("which makes it a watch", "query", "watch", "1")
			b.add("positions while nothing happens", "query", "allowWatchBookmarks", "true")
			b.add("where it continues", "query", "resourceVersion", "{sse.cursor}")
			b.step("a new client's watch begins at the present version", "open", "rewrite "+Quote("?"+with(f.URL, "limit", "1")), "cursor metadata.resourceVersion")
			b.add("its version", "id", "object.metadata.resourceVersion")
			b.add("ADDED, MODIFIED or DELETED", "event", "type")
			b.add("the object itself", "data", "object")
			b.add("a bookmark makes no event; its version counts", "ignore", "type", "BOOKMARK")
			b.add("the version is too old, in an event", "reset", "object.code", "410")
			b.add("the same as a status", "reset", "{sse.status}", "410")
		},
	},
	{
		"Docker's events",
		func(f *findings) bool {
			return docker.MatchString(f.URL.Path) && (f.first.Header.Get("Docker-Experimental") != "" || strings.HasPrefix(f.first.Header.Get("Server"), "Docker"))
		},
		func(f *findings, b *Block) {
			b.add("its answer goes on, and is silent while nothing happens", "stream", "0")
			b.add("each line is a record", "format", "lines")
			b.fixed(f.URL, "since", "until")
			b.add("where it continues: with the event of that time, which is dropped", "query", "since", "{sse.cursor}")
			b.add("its time as `since` wants it, in seconds with nine decimals, is its id; its Action is start, die, pull, …", "jq",
				`{id: "\(.time).\("\(.timeNano)"[-9:])", event: .Action, data: .}`)
		},
	},
	{
		"CouchDB's changes, continuously",
		func(f *findings) bool {
			return strings.HasSuffix(f.URL.Path, "/_changes") && f.URL.Query().Get("feed") == "continuous"
		},
		func(f *findings, b *Block) {
			b.add("its answer goes on: three times its heartbeat", "stream", "30s")
			b.add("each line is a record", "format", "lines")
			b.fixed(f.URL, "feed", "since", "heartbeat", "timeout")
			b.add("so that its answer goes on", "query", "feed", "continuous")
			b.add("a sign of life every 10s, in milliseconds", "query", "heartbeat", "10000")
			b.add("to continue after a change", "query", "since", "{sse.cursor}")
			b.add("each has its sequence", "id", "seq")
			if since := f.URL.Query().Get("since"); since != "" {
				b.add("a client without an id begins here", "start", since)
			}
			b.add("what it ends with is no change", "ignore", "last_seq")
		},
	},
}

// step adds a block of lines.
func (b *Block) step(why, name string, lines ...string) {
	b.Lines = append(b.Lines, Line{Text: name + " {\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}", Why: why})
}

// with returns the query of a URL with a parameter more, without those that make it a watch.
func with(u *url.URL, name, value string) string {
	var all []string
	for n, v := range parameters(u.RawQuery) {
		if !slices.Contains([]string{"watch", "allowWatchBookmarks", "resourceVersion", "timeoutSeconds", name}, n) {
			all = append(all, url.QueryEscape(n)+"="+url.QueryEscape(v))
		}
	}
	return strings.Join(append(all, name+"="+value), "&")
}
