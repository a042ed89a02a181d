package suggest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

var (
	alertmanagerAlerts = regexp.MustCompile(`/api/v2/alerts$`)
	registryList       = regexp.MustCompile(`^/v2/(_catalog|.+/tags/list)$`)
	rabbitQueues       = regexp.MustCompile(`/api/queues(/[^/]+)?$`)
)

// sets are protocols whose answers show what there is now.
var sets = []protocol{
	{
		"the statistics of HAProxy",
		func(f *findings) bool {
			return bytes.HasPrefix(bytes.TrimSpace(f.first.Body), []byte("# pxname,svname,"))
		},
		func(f *findings, b *Block) {
			b.add("it answers at once", "interval", "2s")
			b.fixed(f.URL)
			b.add("a table with names of columns", "format", "csv", "header")
			b.add("the number of the proxy, and the name in it: each row has one of its own", "id", "{sse.item.iid}/{sse.item.svname}")
			b.inPlace("a table that changes in place", "")
			b.add("what an operator sets and sees. The counters are left out: each request for the statistics moves them", "data", `{"pxname":\# pxname,svname,status,weight,act,bck,check_status,addr}`)
		},
	},
	{
		"the alerts of Alertmanager",
		func(f *findings) bool {
			return alertmanagerAlerts.MatchString(f.URL.Path) && f.found.JSON && (f.has("0.fingerprint", "0.labels") || strings.TrimSpace(string(f.found.Body)) == "[]")
		},
		func(f *findings, b *Block) {
			b.add("it answers at once", "interval", "2s")
			b.fixed(f.URL)
			b.add("each alert is an item", "items", "@this")
			b.add("a hash of its labels", "id", "fingerprint")
			b.inPlace("alerts come, change and go", "")
			b.add("without `updatedAt` and `endsAt`, which Prometheus moves with each evaluation", "data", "{fingerprint,labels,annotations,startsAt,status,generatorURL}")
		},
	},
	{
		"a list of a container registry",
		func(f *findings) bool {
			return f.first.Status == http.StatusOK && f.first.Header.Get("Docker-Distribution-Api-Version") != "" && registryList.MatchString(f.URL.Path)
		},
		func(f *findings, b *Block) {
			name := "repositories"
			if strings.HasSuffix(f.URL.Path, "/tags/list") {
				name = "tags"
			}
			b.add("it answers at once", "interval", "5s", "30s")
			b.fixed(f.URL, "last")
			b.add("each name is an item", "items", name)
			b.add("which is its own id", "id", "@this")
			b.inPlace("names are in their own order, so that a new one comes anywhere among them", "")
			b.add("a long list has pages: where the next one is", "cursor", "{sse.link.next}")
			b.add("that is a URL", "rewrite", "{sse.cursor}")
			b.add("all pages are one list", "more", "{sse.link.next}")
		},
	},
	{
		"the queues of RabbitMQ",
		func(f *findings) bool {
			return rabbitQueues.MatchString(f.URL.Path) && strings.EqualFold(f.first.Header.Get("Server"), "Cowboy") && f.found.JSON && gjson.ParseBytes(f.found.Body).IsArray()
		},
		func(f *findings, b *Block) {
			b.add("its figures are renewed every 5s", "interval", "5s")
			b.fixed(f.URL)
			b.add("each queue is an item", "items", "@this")
			b.add("names are unique in a virtual host", "id", "{sse.item.vhost}/{sse.item.name}")
			b.inPlace("queues come, change and go", "")
			b.add("without memory, reductions and rates, which change by themselves. The queue's message counts are `messages`, `messages_ready` and `messages_unacknowledged`", "data", "{vhost,name,state,messages,messages_ready,messages_unacknowledged,consumers}")
		},
	},
	{
		"the connections of NATS",
		func(f *findings) bool { return f.has("server_id", "num_connections", "connections") },
		func(f *findings, b *Block) {
			b.add("it answers at once", "interval", "2s")
			b.fixed(f.URL)
			b.add("each connection is an item", "items", "connections")
			b.add("its number", "id", "cid")
			b.inPlace("connections come and go", "")
			b.add("without idle times, round-trip times and counters, which change by themselves", "data", "{cid,kind,type,ip,port,start,name,lang,version,account,authorized_user,subscriptions,reason,stop}")
		},
	},
	{
		"the status of monit",
		func(f *findings) bool {
			return strings.HasPrefix(f.first.Header.Get("Server"), "monit ") && f.has("monit.service")
		},
		func(f *findings, b *Block) {
			b.add("it answers at once. monit itself looks every so often: `set daemon` says how", "interval", "2s", "10s")
			b.fixed(f.URL)
			b.add("XML, which is read like JSON", "format", "xml")
			b.add("each service is an item", "items", "monit.service")
			b.add("its name", "id", "name")
			b.inPlace("services change", "")
			b.add("without what is measured of the machine, which changes by itself; `status` is 0 while all is well", "data",
				`{name,"type":-type,status,status_hint,status_message,monitor,monitormode,pendingaction,pid,size,mode,uid,gid,checksum,"program":program.{status,output}}`)
		},
	},
	{
		"the RPC of Transmission",
		func(f *findings) bool { return f.first.Header.Get("X-Transmission-Session-Id") != "" },
		func(f *findings, b *Block) {
			f.ownFields = []string{"X-Transmission-Session-Id"}
			body := f.Body
			if !f.asksForTorrents() {
				body = `{"method":"torrent-get","arguments":{"fields":["id","name","status","percentDone"]}}`
			}
			b.add("it answers at once", "interval", "2s", "10s")
			b.add("calls are a POST", "method", http.MethodPost)
			b.fixed(f.URL)
			b.add("which fields of all torrents", "body", body)
			b.add("calls need a token, which each answer has in its header", "header_up", "X-Transmission-Session-Id", "{sse.cursor}")
			b.add("that is it", "cursor", "{sse.header.X-Transmission-Session-Id}")
			b.add("the status of an answer to a call without it", "accept", "409")
			b.add("which has nothing else", "ignore", "{sse.status}", "409")
			b.add("so that the call follows at once", "more", "{sse.status}", "409")
			b.add("each torrent is an item", "items", "arguments.torrents")
			b.add("its number", "id", "id")
			b.inPlace("torrents come, change and go", "")
		},
	},
	{
		"the RPC of aria2",
		func(f *findings) bool {
			return f.Body == "" && f.first.Status == http.StatusBadRequest && strings.HasPrefix(f.first.Header.Get("Content-Type"), "application/json-rpc")
		},
		func(f *findings, b *Block) {
			b.add("it answers at once", "interval", "1s", "5s")
			b.add("calls are a POST", "method", http.MethodPost)
			b.fixed(f.URL)
			b.add("downloads that run, wait and have stopped. If aria2 has a secret, put \"token:{env.ARIA2_SECRET}\" and a comma before each method's parameters", "body",
				`{"jsonrpc":"2.0","id":"x","method":"system.multicall","params":[[{"methodName":"aria2.tellActive","params":[["gid","status","completedLength","totalLength"]]},{"methodName":"aria2.tellWaiting","params":[0,1000,["gid","status","completedLength","totalLength"]]},{"methodName":"aria2.tellStopped","params":[0,1000,["gid","status","completedLength","totalLength"]]}]]}`)
			b.add("the three lists are one, and each download is an item", "items", `result.@flatten:{"deep":true}`)
			b.add("its number", "id", "gid")
			b.inPlace("downloads come, change and go", "")
		},
	},
}

// asksForTorrents reports whether the body that was given is a call whose answer has the list of torrents.
func (f *findings) asksForTorrents() bool {
	return gjson.Get(f.Body, "method").Str == "torrent-get" && gjson.Get(f.Body, `arguments.fields.#(=="id")`).Exists()
}

// wiki is a list of MediaWiki's API that shows the newest first.
func wiki(list, prefix, id, what string) protocol {
	return protocol{
		what + " of MediaWiki",
		func(f *findings) bool { return f.has("query."+list) && f.URL.Query().Get(prefix+"dir") != "newer" },
		func(f *findings, b *Block) {
			b.add("it answers at once", "interval", "2s", "10s")
			limit := prefix + "limit"
			b.fixed(f.URL, limit, prefix+"continue", "continue")
			b.add("the newest ones. If more come between two polls, clients get a bridge.reset", "query", limit, cmp.Or(f.URL.Query().Get(limit), "50"))
			b.add("each is an event", "items", "query."+list)
			b.add(fmt.Sprintf("its number; `revid` and `pageid` are not its own. It takes `ids` in %sprop", prefix), "id", id)
			if f.has("query." + list + ".0.type") {
				b.add("edit, new, log, …", "event", "type")
			}
			b.add("numbers grow, and the list has the newest first", "order", "by_id", "overlap")
		},
	}
}

// wikis are the lists of MediaWiki whose items have a number of their own.
var wikis = []protocol{
	wiki("recentchanges", "rc", "rcid", "recent changes"),
	wiki("logevents", "le", "logid", "log entries"),
}
