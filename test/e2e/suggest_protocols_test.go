package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// list writes what is between two numbers, each as write says.
func list(from, to int, separator string, write func(n int) string) string {
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, write(n))
	}
	return strings.Join(all, separator)
}

// newest is list the other way round.
func newest(from, to int, separator string, write func(n int) string) string {
	all := strings.Split(list(from, to, "\x00", write), "\x00")
	slices.Reverse(all)
	return strings.Join(all, separator)
}

// ntfyID is an id, which are in no order.
func ntfyID(n int) string {
	return []string{"hwQ2YpKdmg", "9aBcD1eFgH", "xE73Iyuabi", "Kmw0Zq7Lts", "2bNpRtUvWx"}[n-1]
}

// suggested are answers of real protocols, and what a newcomer and one who comes back must get of
// the block that is suggested for them.
var suggested = []struct {
	name, uri string
	serve     func(l *legacy, w http.ResponseWriter, r *http.Request)
	ids       []string // of what a newcomer gets; empty where the ids are hashes
	datas     []string // what the data of these events holds
	next      string   // the same of what comes next
	live      bool     // a newcomer gets nothing until something happens
}{
	{
		name: "PHP chat", uri: "/chat.php?room=7&lastId=0",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			last := testsite.QueryNumber(r, "lastId", 0)
			if r.URL.Query().Get("room") != "7" {
				http.Error(w, "no such room", http.StatusNotFound)
				return
			}
			if !l.wait(r, last) {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			testsite.WriteAs(w, "text/html; charset=UTF-8", `{"messages":[`+list(last+1, l.count(), ",", func(n int) string {
				return fmt.Sprintf(`{"id":%d,"user":"ann","user_id":5,"text":"message %d"}`, n, n)
			})+`]}`)
		},
		ids: []string{"1", "2", "3"}, datas: []string{"message 1", "message 2", "message 3"}, next: "message 4",
	},
	{
		name: "CouchDB", uri: "/db/_changes?include_docs=true",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			since := testsite.QueryNumber(r, "since", 0)
			if r.URL.Query().Get("feed") == "longpoll" {
				l.wait(r, since)
			}
			testsite.WriteAs(w, "text/plain; charset=utf-8", `{"results":[`+list(since+1, l.count(), ",\n", func(n int) string {
				return fmt.Sprintf(`{"id":"doc%d","changes":[{"rev":"1-b02d"}],"doc":{"n":%[1]d},"seq":%[1]d}`, n)
			})+fmt.Sprintf("],\n\"last_seq\":%d}\n", l.count()))
		},
		ids: []string{"1", "2", "3"}, datas: []string{"doc1", "doc2", "doc3"}, next: "doc4",
	},
	{
		name: "Consul", uri: "/v1/kv/app/x",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			l.wait(r, testsite.QueryNumber(r, "index", 0))
			w.Header().Set("X-Consul-Index", strconv.Itoa(l.count()))
			testsite.WriteAs(w, "application/json", fmt.Sprintf(`[{"LockIndex":0,"Key":"app/x","Flags":0,"Value":"value %d","CreateIndex":2,"ModifyIndex":%[1]d}]`, l.count()))
		},
		datas: []string{"value 3"}, next: "value 4",
	},
	{
		name: "etcd 2", uri: "/v2/keys/foo",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			n := l.count()
			w.Header().Set("X-Etcd-Index", strconv.Itoa(n))
			action := "get"
			if r.URL.Query().Get("wait") == "true" {
				action, n = "set", testsite.QueryNumber(r, "waitIndex", n+1)
				if !l.wait(r, n-1) {
					return
				}
			}
			testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"action":%q,"node":{"key":"/foo","value":"value %d","modifiedIndex":%[2]d,"createdIndex":%[2]d}}`, action, n))
		},
		ids: []string{"4"}, datas: []string{"value 4"}, next: "value 5", live: true,
	},
	{
		name: "GitHub events", uri: "/repos/o/r/events",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			tag := fmt.Sprintf(`W/"%d"`, l.count())
			w.Header().Set("ETag", tag)
			w.Header().Set("X-Poll-Interval", "60")
			w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			testsite.WriteAs(w, "application/json; charset=utf-8", "["+newest(1, l.count(), ",", func(n int) string {
				return fmt.Sprintf(`{"id":"2248929%04d","type":"PushEvent","actor":{"id":583231,"login":"octocat"},"payload":{"push_id":%[1]d},"created_at":"2026-06-09T12:47:%02[1]dZ"}`, n)
			})+"]")
		},
		ids: []string{"22489290001", "22489290002", "22489290003"}, datas: []string{`"push_id":1`, `"push_id":2`, `"push_id":3`}, next: `"push_id":4`,
	},
	{
		name: "RSS feed", uri: "/feed.xml",
		serve: func(l *legacy, w http.ResponseWriter, _ *http.Request) {
			testsite.WriteAs(w, "application/rss+xml", `<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>http://example.com/</link>`+newest(1, l.count(), "", func(n int) string {
				return fmt.Sprintf(`<item><title>entry %d</title><guid isPermaLink="false">urn:%s</guid><pubDate>Tue, 09 Jun 2026 12:%02[1]d:00 GMT</pubDate></item>`, n, ntfyID(n))
			})+`</channel></rss>`)
		},
		ids: []string{"urn:" + ntfyID(1), "urn:" + ntfyID(2), "urn:" + ntfyID(3)}, datas: []string{"entry 1", "entry 2", "entry 3"}, next: "entry 4",
	},
	{
		name: "ntfy", uri: "/topic/json?poll=1",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			first := 1
			for n := 1; n <= l.count(); n++ {
				if r.URL.Query().Get("since") == ntfyID(n) {
					first = n + 1
				}
			}
			testsite.WriteAs(w, "application/x-ndjson; charset=utf-8", list(first, l.count(), "", func(n int) string {
				return fmt.Sprintf(`{"id":%q,"time":%d,"expires":1735612545,"event":"message","topic":"topic","message":"message %d"}`+"\n", ntfyID(n), 1735542800+n, n)
			}))
		},
		ids: []string{ntfyID(1), ntfyID(2), ntfyID(3)}, datas: []string{"message 1", "message 2", "message 3"}, next: "message 4",
	},
	{
		name: "JSON document with an ETag", uri: "/status.json",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			tag := fmt.Sprintf(`"%d"`, l.count())
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"state":"up","jobs":%d,"load":[0.1,0.2]}`, l.count()))
		},
		datas: []string{`"jobs":3`}, next: `"jobs":4`,
	},
	{
		name: "Matrix", uri: "/_matrix/client/v3/sync",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			since := 0
			if token := r.URL.Query().Get("since"); token != "" {
				fmt.Sscanf(token, "s%d_0_1", &since)
				if testsite.QueryNumber(r, "timeout", 0) > 0 {
					l.wait(r, since)
				}
			}
			n := l.count()
			rooms := ""
			if n > since {
				rooms = `,"rooms":{"join":{"!room:localhost":{"timeline":{"events":[` + list(since+1, n, ",", func(n int) string {
					return fmt.Sprintf(`{"content":{"body":"message %d","msgtype":"m.text"},"event_id":"$event%[1]d","sender":"@alice:localhost","type":"m.room.message"}`, n)
				}) + `],"limited":false,"prev_batch":"t5_1006"}}}}`
			}
			testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"next_batch":"s%d_0_1"%s}`, n, rooms))
		},
		datas: []string{"message 1", "message 2", "message 3"}, next: "message 4",
	},
	{
		name: "Syncthing", uri: "/rest/events",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			since := testsite.QueryNumber(r, "since", 0)
			l.wait(r, since)
			testsite.WriteAs(w, "application/json", "["+list(since+1, l.count(), ",", func(n int) string {
				return fmt.Sprintf(`{"id":%d,"globalID":%d,"time":"2026-06-09T12:47:%02[1]dZ","type":"StateChanged","data":{"folder":"default","n":%[1]d}}`, n, n+40)
			})+"]")
		},
		ids: []string{"1", "2", "3"}, datas: []string{`"n":1`, `"n":2`, `"n":3`}, next: `"n":4`,
	},
	{
		name: "Jenkins", uri: "/job/x/1/logText/progressiveText",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			log := list(1, l.count(), "", func(n int) string { return fmt.Sprintf("step %d\n", n) })
			w.Header().Set("X-Text-Size", strconv.Itoa(len(log)))
			w.Header().Set("X-More-Data", "true")
			testsite.WriteAs(w, "text/plain;charset=UTF-8", log[min(testsite.QueryNumber(r, "start", 0), len(log)):])
		},
		datas: []string{"step 1", "step 2", "step 3"}, next: "step 4",
	},
	{
		name: "Stripe", uri: "/v1/events",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			first, last := 1, l.count()
			for n := 1; n <= l.count(); n++ {
				if r.URL.Query().Get("ending_before") == "evt_"+ntfyID(n) {
					first = n + 1
				}
				if r.URL.Query().Get("starting_after") == "evt_"+ntfyID(n) {
					last = n - 1
				}
			}
			data := ""
			if first <= last {
				data = newest(first, last, ",", func(n int) string {
					return fmt.Sprintf(`{"id":"evt_%s","object":"event","api_version":"2019-02-19","created":%d,"type":"charge.succeeded","data":{"object":{"id":"ch_1","amount":%d}}}`, ntfyID(n), 1686089970+n, n)
				})
			}
			testsite.WriteAs(w, "application/json", `{"object":"list","url":"/v1/events","has_more":false,"data":[`+data+`]}`)
		},
		ids: []string{"evt_" + ntfyID(1), "evt_" + ntfyID(2), "evt_" + ntfyID(3)}, datas: []string{`"amount":1`, `"amount":2`, `"amount":3`}, next: `"amount":4`,
	},
	{
		name: "CSV", uri: "/export.csv",
		serve: func(l *legacy, w http.ResponseWriter, _ *http.Request) {
			testsite.WriteAs(w, "text/csv", "id;name;created\n"+list(1, l.count(), "", func(n int) string {
				return fmt.Sprintf("%d;\"order %[1]d; new\";2026-06-09 12:47:%02[1]d\n", n)
			}))
		},
		ids: []string{"1", "2", "3"}, datas: []string{"order 1", "order 2", "order 3"}, next: "order 4",
	},
	{
		name: "a list in pages", uri: "/api/posts",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			posts := strings.Split(newest(1, l.count(), "\n", func(n int) string { return fmt.Sprintf(`{"postId":%d,"title":"post %d"}`, 100+n, n) }), "\n")
			posts = posts[min(testsite.QueryNumber(r, "offset", 0), len(posts)):]
			testsite.WriteAs(w, "application/json", `{"total":`+strconv.Itoa(l.count())+`,"posts":[`+strings.Join(posts, ",")+`]}`)
		},
		ids: []string{"101", "102", "103"}, datas: []string{"post 1", "post 2", "post 3"}, next: "post 4",
	},
	{
		name: "a file watched by PHP", uri: "/filemtime.php",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			l.wait(r, testsite.QueryNumber(r, "timestamp", 0))
			testsite.WriteAs(w, "text/html", fmt.Sprintf(`{"data_from_file":"text %d","timestamp":%[1]d}`, l.count()))
		},
		datas: []string{"text 3"}, next: "text 4",
	},
	{
		name: "Telegram", uri: "/bot/getUpdates",
		serve: func(l *legacy, w http.ResponseWriter, r *http.Request) {
			offset := testsite.QueryNumber(r, "offset", 1)
			if r.URL.Query().Has("timeout") {
				l.wait(r, offset-1)
			}
			testsite.WriteAs(w, "application/json", `{"ok":true,"result":[`+list(offset, l.count(), ",", func(n int) string {
				return fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"text":"update %[1]d"}}`, n, n+7)
			})+`]}`)
		},
		ids: []string{"1", "2", "3"}, datas: []string{"update 1", "update 2", "update 3"}, next: "", // an id from before is not resumed: the backend forgets
	},
}
