package suggest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clock is a backend that knows how long it runs, and how often it was asked.
type clock struct {
	began time.Time
	asked int
}

// tick counts a request, and returns how many seconds the backend runs.
func (c *clock) tick() int {
	if c.asked++; c.began.IsZero() {
		c.began = time.Now().Add(-time.Hour)
	}
	return int(time.Since(c.began).Seconds())
}

// growing answers with a list that has one item more each time, in this frame.
func growing(frame, item string) func(*clock) endpoint {
	return func(*clock) endpoint {
		n := 20
		return func(*http.Request) *http.Response {
			n++
			var items []string
			for i := 11; i <= n; i++ {
				items = append(items, fmt.Sprintf(item, i))
			}
			return says(200, fmt.Sprintf(frame, strings.Join(items, ",")))
		}
	}
}

// TestSuggestionsForBackends has answers as these backends give them.
func TestSuggestionsForBackends(t *testing.T) {
	t.Parallel()
	same := func(status int, body string, header ...string) func(*clock) endpoint {
		return func(*clock) endpoint {
			return func(*http.Request) *http.Response { return says(status, body, header...) }
		}
	}
	const recentChanges = `{"batchcomplete":"","continue":{"rccontinue":"20261130082911|3","continue":"-||"},"query":{"recentchanges":[` +
		`{"type":"log","ns":2,"title":"User:10.0.0.4","pageid":0,"revid":0,"old_revid":0,"rcid":5,"timestamp":"2026-11-30T08:29:14Z"},` +
		`{"type":"edit","ns":0,"title":"Page","pageid":2,"revid":4,"old_revid":3,"rcid":4,"timestamp":"2026-11-30T08:29:13Z"}]}}`
	for _, c := range []struct {
		name, target string
		backend      func(*clock) endpoint
		header       []string
		has, hasNot  []string // lines
	}{
		{
			"InfluxDB, whose statement_id is always 0", "http://127.0.0.1:8086/query?db=d&q=SELECT+*+FROM+cpu",
			same(200, `{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","v"],"values":[["2026-11-30T08:29:11.1Z",1],["2026-11-30T08:29:11.2Z",2]]}]}]}`),
			nil,
			[]string{"interval 2s 30s", "query q `SELECT * FROM cpu`"},
			[]string{"id statement_id", "items results"},
		},
		{
			"HAProxy", "http://127.0.0.1:8404/stats;csv",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					n := c.tick()
					return says(200, fmt.Sprintf("# pxname,svname,scur,stot,status,weight,lastchg,pid,iid,sid,type,\nstatistics,FRONTEND,1,%d,OPEN,,,1,2,0,0,\napp,first,0,0,UP,1,%d,1,3,1,2,\napp,BACKEND,0,0,UP,1,%[2]d,1,3,0,1,\n", c.asked, n))
				}
			},
			nil,
			[]string{"format csv header", "id {sse.item.iid}/{sse.item.svname}", "diff items", "data `{\"pxname\":\\# pxname,svname,status,weight,act,bck,check_status,addr}`"},
			[]string{"order overlap", "order by_id"},
		},
		{
			"a table of another kind, with two columns for a key", "http://127.0.0.1:1/table",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					n := c.tick()
					return says(200, fmt.Sprintf("vhost,name,state,requests_total,uptime\na,x,up,%d,%d\nb,x,up,0,%[2]d\na,y,down,0,%[2]d\n", c.asked*3, n), "Content-Type", "text/csv")
				}
			},
			nil,
			[]string{"format csv header", "id {sse.item.vhost}/{sse.item.name}", "diff items", "data {vhost,name,state}"},
			nil,
		},
		{
			"recent changes of MediaWiki", "http://127.0.0.1/api.php?action=query&list=recentchanges&format=json",
			same(200, recentChanges), nil,
			[]string{"items query.recentchanges", "id rcid", "event type", "order by_id overlap", "query rclimit 50", "query list recentchanges"},
			[]string{"id pageid", "id revid"},
		},
		{
			"log entries of MediaWiki", "http://127.0.0.1/api.php?action=query&list=logevents&lelimit=20&format=json",
			same(200, `{"continue":{"lecontinue":"20261130082911|3"},"query":{"logevents":[{"logid":9,"ns":2,"title":"a","pageid":0,"logpage":0,"revid":0,"type":"block","timestamp":"2026-11-30T08:29:14Z"}]}}`), nil,
			[]string{"items query.logevents", "id logid", "query lelimit 20"},
			nil,
		},
		{
			"monit", "http://127.0.0.1:2812/_status?format=xml",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					return says(200, fmt.Sprintf(`<?xml version="1.0" encoding="ISO-8859-1"?><monit><server><uptime>%d</uptime></server><service type="5"><name>host</name><status>0</status><monitor>1</monitor></service></monit>`, c.tick()), "Server", "monit 5.33.0", "Content-Type", "text/xml")
				}
			},
			nil,
			[]string{"format xml", "items monit.service", "id name", "diff items"},
			nil,
		},
		{
			"the statistics of PowerDNS, a table of names and values", "http://127.0.0.1:8081/api/v1/servers/localhost/statistics",
			func(c *clock) endpoint {
				return func(r *http.Request) *http.Response {
					if r.Header.Get("X-API-Key") != "secret" {
						return says(401, "Unauthorized")
					}
					return says(200, fmt.Sprintf(`[{"name":"backend-queries","type":"StatisticItem","value":"0"},{"name":"cpu-iowait","type":"StatisticItem","value":"7"},{"name":"udp-queries","type":"StatisticItem","value":"0"},{"name":"tcp-queries","type":"StatisticItem","value":"0"},{"name":"uptime","type":"StatisticItem","value":"%d"}]`, c.tick()))
				}
			},
			[]string{"X-API-Key", "secret"},
			[]string{"items @this", "id name", "diff items", "ignore name cpu-iowait uptime", "header_up X-Api-Key {env.X_API_KEY}"},
			nil,
		},
		{
			"aria2, whose calls are a POST", "http://127.0.0.1:6800/jsonrpc",
			same(400, `{"id":null,"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request."}}`, "Content-Type", "application/json-rpc"), nil,
			[]string{"method POST", "items `result.@flatten:{\"deep\":true}`", "id gid", "diff items"},
			nil,
		},
		{
			"Transmission, which wants a token", "http://127.0.0.1:9091/transmission/rpc",
			same(409, "<h1>409: Conflict</h1>", "X-Transmission-Session-Id", "abc", "Content-Type", "text/html"), nil,
			[]string{"method POST", "header_up X-Transmission-Session-Id {sse.cursor}", "accept 409", "more {sse.status} 409", "items arguments.torrents", "diff items"},
			nil,
		},
		{
			"a container registry", "http://127.0.0.1:5000/v2/_catalog?n=2",
			same(200, `{"repositories":["app/db","app/web"]}`, "Docker-Distribution-Api-Version", "registry/2.0", "Link", `</v2/_catalog?last=app%2Fweb&n=2>; rel="next"`), nil,
			[]string{"items repositories", "id @this", "diff items", "cursor {sse.link.next}", "rewrite {sse.cursor}", "more {sse.link.next}", "query n 2"},
			nil,
		},
		{
			"a list of names in pages", "http://127.0.0.1:1/names",
			same(200, `{"names":["a","b"],"next":"/names?after=b"}`), nil,
			[]string{"items names", "id @this", "diff items", "cursor next", "rewrite {sse.cursor}", "more next"},
			nil,
		},
		{
			"things in pages by a token", "http://127.0.0.1:1/things",
			func(*clock) endpoint {
				return func(r *http.Request) *http.Response {
					if r.URL.Query().Get("pageToken") == "p2" {
						return says(200, `{"items":[{"id":"c","status":"up"}]}`)
					}
					return says(200, `{"items":[{"id":"a","status":"up"},{"id":"b","status":"up"}],"nextPageToken":"p2"}`)
				}
			},
			nil,
			[]string{"items items", "id id", "diff items", "cursor nextPageToken", "query pageToken {sse.cursor}", "more nextPageToken"},
			nil,
		},
		{
			"names after which one can ask", "http://127.0.0.1:1/things",
			func(*clock) endpoint {
				return func(r *http.Request) *http.Response {
					var all []string
					for _, name := range []string{"a", "d", "k", "z"} {
						if name > r.URL.Query().Get("after") {
							all = append(all, `{"id":"`+name+`"}`)
						}
					}
					return says(200, "["+strings.Join(all, ",")+"]")
				}
			},
			nil,
			[]string{"id id", "diff items"},
			[]string{"query after {sse.cursor}"},
		},
		{
			"the alerts of Alertmanager", "http://127.0.0.1:9093/api/v2/alerts",
			same(200, "[]\n"), nil,
			[]string{"items @this", "id fingerprint", "diff items", "data {fingerprint,labels,annotations,startsAt,status,generatorURL}"},
			nil,
		},
		{
			"the queues of RabbitMQ", "http://127.0.0.1:15672/api/queues",
			same(200, `[{"vhost":"/","name":"jobs","messages":0,"memory":12345}]`, "Server", "Cowboy"),
			[]string{"Authorization", "Basic Z3Vlc3Q6Z3Vlc3Q="},
			[]string{"id {sse.item.vhost}/{sse.item.name}", "diff items", "header_up Authorization {env.AUTHORIZATION}"},
			[]string{"cookies Z3Vlc3Q6Z3Vlc3Q="},
		},
		{
			"a document of NATS with a clock", "http://127.0.0.1:8222/varz",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					n := c.tick()
					return says(200, fmt.Sprintf(`{"server_id":"N","max_payload":1048576,"now":"%s","uptime":"%ds","mem":%d,"cpu":0,"connections":0,"http_req_stats":{"/varz":%d},"jetstream":{"stats":{"memory":0,"api":{"total":0}}}}`, time.Now().Format(time.RFC3339Nano), n, 12042240+n*n%7919, c.asked))
				}
			},
			nil,
			[]string{"interval 2s 30s", "data `{server_id,max_payload,connections,\"jetstream\":jetstream.{\"stats\":stats.{api}}}`"},
			nil,
		},
		{
			"a list of NATS whose items change", "http://127.0.0.1:8222/jsz?accounts=true",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					return says(200, fmt.Sprintf(`{"now":"%s","account_details":[{"name":"$G","id":"$G","messages":%d}]}`, time.Now().Format(time.RFC3339Nano), c.tick()/4))
				}
			},
			nil,
			[]string{"data {account_details}"},
			[]string{"order overlap", "id id"},
		},
		{
			"connections of NATS", "http://127.0.0.1:8222/connz",
			same(200, `{"server_id":"N","now":"2026-11-30T08:29:11Z","num_connections":0,"connections":[]}`), nil,
			[]string{"items connections", "id cid", "diff items"},
			nil,
		},
		{
			"a document with nothing but a clock", "http://127.0.0.1:1/",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response { return says(200, fmt.Sprintf(`{"uptime":%d}`, c.tick())) }
			},
			nil,
			[]string{"# each poll makes an event, since these change in each reading: uptime. Name what matters with `data <path>`"},
			nil,
		},
		{
			"a gauge, which may be the news", "http://127.0.0.1:1/",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					return says(200, fmt.Sprintf(`{"room":"a","temperature":%d.5}`, []int{21, 23, 20, 22}[c.tick()%4]))
				}
			},
			nil,
			[]string{"# each poll may make an event: these changed in each reading: temperature. If that is no news, name what is with `data <path>`, such as `data {name,status}`"},
			[]string{"data {room}"},
		},
		{
			"a document with a load, that stands still", "http://127.0.0.1:1/",
			same(200, `{"state":"up","jobs":3,"load":[0.1,0.2]}`), nil,
			[]string{"interval 2s 30s"},
			[]string{"data {state,jobs}"},
		},
		{
			"text in which each line may differ", "http://127.0.0.1:1/metrics",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					return says(200, fmt.Sprintf("up 1\nseconds %d\n", c.tick()), "Content-Type", "text/plain")
				}
			},
			nil,
			[]string{`# each poll makes an event: it changed in each reading, 1 line differed, such as "seconds 3603". If that is no news, ask for less, or use an endpoint with JSON`},
			nil,
		},
		{
			"a queue that is emptied by reading it", "http://127.0.0.1:1/queue",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					if c.tick(); c.asked > 1 {
						return says(200, `{"messages":[]}`)
					}
					return says(200, `{"messages":[{"id":"b7","text":"a"},{"id":"a1","text":"b"}]}`)
				}
			},
			nil,
			[]string{"format message", "ignore !messages.0", "replay 1000 60s"},
			[]string{"diff items", "items messages", "id id"},
		},
		{
			"messages, the newest first", "http://127.0.0.1:80/message",
			same(200, `{"paging":{"size":2,"limit":100,"since":0},"messages":[{"id":8,"appid":1,"message":"b","title":"t","priority":4,"date":"2026-11-30T08:29:14Z"},{"id":7,"appid":1,"message":"a","title":"t","priority":4,"date":"2026-11-30T08:29:13Z"}]}`), nil,
			[]string{"items messages", "id id", "order by_id overlap"},
			[]string{"diff items"},
		},
		{
			"messages that come at one end", "http://127.0.0.1:1/lines",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					n := c.tick() - 3600
					return says(200, fmt.Sprintf(`[{"id":1,"n":1},{"id":2,"n":2}%s]`, strings.Repeat(`,{"id":3,"n":3}`, min(n, 1))))
				}
			},
			nil,
			[]string{"id id", "order by_id"},
			[]string{"diff items"},
		},
		{
			"jobs that have a state, although the newest is first", "http://127.0.0.1:1/jobs",
			same(200, `[{"id":9,"status":"running","created_at":"2026-11-30T08:29:14Z"},{"id":8,"status":"done","created_at":"2026-11-30T08:29:13Z"}]`), nil,
			[]string{"id id", "diff items"},
			[]string{"order by_id"},
		},
		{
			"things in any order, without an id", "http://127.0.0.1:9091/api/v1/metrics",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					groups := []string{`{"labels":{"job":"a"},"ok":true}`, `{"labels":{"job":"b"},"ok":true}`, `{"labels":{"job":"c"},"ok":true}`}
					c.tick()
					n := c.asked % 3
					return says(200, `{"status":"success","data":[`+strings.Join(append(groups[n:], groups[:n]...), ",")+`]}`)
				}
			},
			nil,
			[]string{"items data", "id labels.job", "diff items"},
			nil,
		},
		{
			"tasks, which are done some day", "http://127.0.0.1:1/todos",
			same(200, `[{"id":1,"userId":1,"title":"a","completed":false},{"id":2,"userId":1,"title":"b","completed":true}]`), nil,
			[]string{"id id", "diff items"},
			nil,
		},
		{
			"posts", "http://127.0.0.1:1/posts",
			same(200, `[{"id":1,"userId":1,"title":"a","body":"b"},{"id":2,"userId":1,"title":"b","body":"c"}]`), nil,
			[]string{"id id", "order by_id"},
			[]string{"diff items"},
		},
		{
			"rows that a number of them can be left out of", "http://127.0.0.1:1/rows",
			func(*clock) endpoint {
				return func(r *http.Request) *http.Response {
					n := 0
					fmt.Sscan(r.URL.Query().Get("offset"), &n)
					var all []string
					for id := n + 1; id <= 12; id++ {
						all = append(all, fmt.Sprintf(`{"id":%d,"name":"a"}`, id))
					}
					return says(200, "["+strings.Join(all, ",")+"]")
				}
			},
			nil,
			[]string{"id id", "diff items"},
			[]string{"query offset {sse.cursor}"},
		},
		{
			"an object of objects, which have a clock", "http://127.0.0.1:19999/api/v1/alarms",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					n := c.tick()
					return says(200, fmt.Sprintf(`{"now":%d,"alarms":{"cpu.high":{"id":7,"name":"high","status":"CLEAR","last_updated":%[1]d},"ram.low":{"id":8,"name":"low","status":"CLEAR","last_updated":%[1]d}}}`, n))
				}
			},
			nil,
			[]string{"items alarms.@values", "id id", "diff items", "data {id,name,status}"},
			[]string{"items alarms"},
		},
		{
			"a document of parts that have some names in common", "http://127.0.0.1:1/",
			same(200, `{"cpu":{"name":"a","cores":2,"hz":3},"disk":{"name":"b","size":4,"free":3}}`), nil,
			[]string{"interval 2s 30s"},
			[]string{"diff items"},
		},
		{
			"an id that each answer makes anew", "http://127.0.0.1:1/",
			func(c *clock) endpoint {
				return func(*http.Request) *http.Response {
					c.tick()
					return says(200, fmt.Sprintf(`{"rows":[{"id":"x%d","v":1},{"id":"y%[1]d","v":2}]}`, c.asked))
				}
			},
			nil,
			[]string{"interval 2s 30s"},
			[]string{"diff items", "id id", "items rows"},
		},
		{
			"nchan with a backlog", "http://127.0.0.1:80/sub",
			func(*clock) endpoint {
				return func(r *http.Request) *http.Response {
					n := 0
					if tag := r.Header.Get("If-None-Match"); tag != "" {
						fmt.Sscan(tag, &n)
						n++
					}
					if n > 3 {
						return nil
					}
					return says(200, fmt.Sprint("message ", n), "ETag", strconv.Itoa(n), "Last-Modified", "Mon, 30 Nov 2026 08:29:11 GMT", "Vary", "If-None-Match, If-Modified-Since")
				}
			},
			nil,
			[]string{"long_poll", "format message"},
			[]string{"interval 2s 30s"},
		},
		{
			"CouchDB, which goes on after 0.1s", "http://127.0.0.1:5984/db/_changes?feed=continuous&since=0",
			func(*clock) endpoint {
				return func(r *http.Request) *http.Response {
					return goingOn(r, "application/json", script{100 * time.Millisecond, `{"seq":1,"id":"a","changes":[]}` + "\n"})
				}
			},
			nil,
			[]string{"stream 30s", "query feed continuous", "id seq"},
			[]string{"format message"},
		},
		{
			"Syncthing, which knows its own host only", "http://127.0.0.1:8384/rest/events",
			func(*clock) endpoint {
				return func(r *http.Request) *http.Response {
					var all []string
					since := 0
					fmt.Sscan(r.URL.Query().Get("since"), &since)
					for n := since + 1; n <= 5; n++ {
						all = append(all, fmt.Sprintf(`{"id":%d,"globalID":%[1]d,"type":"StateChanged","time":"2026-11-30T08:29:0%[1]dZ"}`, n))
					}
					switch {
					case r.Header.Get("X-API-Key") == "":
						return says(403, "Not Authorized")
					case r.Host != "127.0.0.1:8384":
						return says(403, "Host check error")
					case len(all) == 0:
						return nil
					}
					return says(200, "["+strings.Join(all, ",")+"]", "X-Syncthing-Version", "v1.19.2")
				}
			},
			[]string{"X-API-Key", "secret"},
			[]string{"query timeout 25", "header_up Host {upstream_hostport}", "header_up X-Api-Key {env.X_API_KEY}", "long_poll 30s", "id id", "order by_id", "query since {sse.cursor}"},
			nil,
		},
		{
			"ASP.NET, with JSON in a text", "http://127.0.0.1:1/Chat.aspx/Messages", same(200, `{"d":"[{\"id\":1,\"text\":\"a\"},{\"id\":2,\"text\":\"b\"}]"}`), nil,
			[]string{"items d.@fromstr", "id id", "order by_id"},
			nil,
		},
		{
			"a list of rows", "http://127.0.0.1:1/rows", growing(`{"columns":["room","seq"],"rows":[%s]}`, `["a",%d]`), nil,
			[]string{"items rows", "id 1", "order by_id"},
			nil,
		},
		{
			"rows without names", "http://127.0.0.1:1/klines", growing(`[%s]`, `["a",17000000%d,"x"]`), nil,
			[]string{"items @this", "id 1", "order by_id"},
			nil,
		},
		{
			"rows that stay", "http://127.0.0.1:1/rows", same(200, `{"fields":["id","state"],"rows":[["a","up"],["b","down"],["c","up"],["d","down"]]}`), nil,
			[]string{"items rows", "id 0", "diff items"},
			[]string{"order"},
		},
		{"rows without an id", "http://127.0.0.1:1/rows", same(200, `{"rows":[["a",1],["b",1]]}`), nil, []string{"interval 2s 30s"}, []string{"items"}},
		{"Netdata, which knows a name without a value", "http://127.0.0.1:1/api/v1/alarms?all&x=a+b", same(200, `{"a":1}`), nil, []string{"rewrite ?all&x=a+b"}, []string{`query all ""`}},
		{"a secret beside a name without a value", "http://127.0.0.1:1/?all&token=t0ps3cret", same(200, `{"a":1}`), nil, []string{`rewrite ?all`, "query token {env.TOKEN}"}, nil},
		{
			"a query of Prometheus", "http://127.0.0.1:9090/api/v1/query?query=up", same(200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1796030000.1,"3"]}]}}`), nil,
			[]string{"query query up", "data `data.result.#.{metric,\"value\":value.1}`"},
			nil,
		},
		{
			"silences, whose state is in an object", "http://127.0.0.1:9093/api/v2/silences",
			same(200, `[{"id":"b","status":{"state":"active"},"updatedAt":"2026-11-30T09:00:00Z","comment":"x","endsAt":"2026-11-30T10:00:00Z"},{"id":"a","status":{"state":"active"},"updatedAt":"2026-11-30T09:00:01Z","comment":"y","endsAt":"2026-11-30T11:00:00Z"}]`), nil,
			[]string{"id id", "diff items"},
			nil,
		},
		{
			"Telegram, whose token is in the path", "http://127.0.0.1:1/bot123:AB-c_d/getUpdates", same(200, `{"ok":true,"result":[]}`), nil,
			[]string{"sse_bridge /getUpdates 127.0.0.1:1 {", "rewrite /bot{env.BOT_TOKEN}/getUpdates", "query offset {sse.cursor+1}"},
			nil,
		},
		{"HAProxy at a query", "http://127.0.0.1:1/haproxy?stats;csv", same(200, "# pxname,svname,iid,\na,b,2,\n"), nil, []string{"rewrite ?stats;csv", "format csv header"}, nil},
		{
			"Socket.IO", "http://127.0.0.1:3000/socket.io/?EIO=4&transport=polling", same(200, `0{"sid":"a","upgrades":["websocket"],"pingInterval":25000}`), nil,
			[]string{"sse_bridge /socket.io/ 127.0.0.1:3000 {", "session socketio"},
			[]string{"query EIO 4", "interval 2s 30s"},
		},
		{
			"SockJS", "http://127.0.0.1:9999/echo/info", same(200, `{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":1706137426}`), nil,
			[]string{"sse_bridge /echo 127.0.0.1:9999 {", "session sockjs"},
			nil,
		},
		{"SignalR", "http://127.0.0.1:5000/chat", same(400, "Connection ID required"), nil, []string{"session signalr"}, nil},
		{"Bayeux", "http://127.0.0.1:8000/bayeux", same(400, "Bad request"), nil, []string{"session bayeux /**"}, nil},
		{
			"BOSH", "http://127.0.0.1:5280/http-bind", same(200, "<!DOCTYPE html><html><title>Prosody BOSH endpoint</title></html>", "Content-Type", "text/html"), nil,
			[]string{"session bosh example.com room@conference.example.com"},
			[]string{"interval 2s 30s"},
		},
		{"Phoenix", "http://127.0.0.1:4000/socket/longpoll", same(200, `{"status":410,"token":"x"}`), nil, []string{"session phoenix room:lobby"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			block, _, err := blockFor(t, c.target, c.backend(new(clock)), c.header...)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range c.has {
				if !hasLine(block, line) {
					t.Errorf("%s is missing in\n%s", line, block)
				}
			}
			for _, line := range c.hasNot {
				if hasLine(block, line) {
					t.Errorf("%s is in\n%s", line, block)
				}
			}
			for i := 1; i < len(c.header); i += 2 {
				if strings.Contains(block, c.header[i]) {
					t.Errorf("the secret %s is in\n%s", c.header[i], block)
				}
			}
		})
	}
}
