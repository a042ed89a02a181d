package suggest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// script is an answer that goes on: each step is a text, or a pause.
type script []any

// goingOn answers by a script, and goes on when that is over.
func goingOn(r *http.Request, kind string, steps script) *http.Response {
	body, w := io.Pipe()
	go func() {
		for _, s := range steps {
			switch s := s.(type) {
			case string:
				if _, err := io.WriteString(w, s); err != nil {
					return
				}
			case time.Duration:
				select {
				case <-time.After(s):
				case <-r.Context().Done():
				}
			}
			if r.Context().Err() != nil {
				break
			}
		}
		<-r.Context().Done()
		w.CloseWithError(r.Context().Err())
	}()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}}, Body: body, ContentLength: -1}
}

// since writes records after a number, each as one of them is written.
func since(r *http.Request, parameter, form string) string {
	var b strings.Builder
	after := 0
	fmt.Sscan(r.URL.Query().Get(parameter), &after)
	for n := after + 1; n <= 5; n++ {
		b.WriteString(strings.ReplaceAll(form, "N", strconv.Itoa(n)))
	}
	return b.String()
}

func TestAnAnswerThatGoesOnIsSuggestedAsAStream(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, c := range []struct {
		name, target string
		serve        endpoint
		has, hasNot  []string // lines
	}{
		{
			"lines with heartbeats and a position", "http://127.0.0.1:1/feed?since=2&room=7",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/json", script{since(r, "since", `{"seq":N,"type":"said"}`+"\n"), 4 * second, "\n", 4 * second, "\n", 4 * second, "\n"})
			},
			[]string{"# its answer goes on: 3 records came in 17s", "stream 15s", "format lines", "id seq", "event type", "query since {sse.cursor}", "start 2", "query room 7", "cookies"},
			[]string{"query since 2", "interval 2s 10s"},
		},
		{
			"lines with a position and no heartbeat", "http://127.0.0.1:1/feed",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/x-ndjson", script{since(r, "after", `{"id":N}`+"\n")})
			},
			[]string{"stream", "format lines", "id id", "query after {sse.cursor}"},
			nil,
		},
		{
			"values in a charset that has quotes and backslashes in letters", "http://127.0.0.1:1/feed",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/json; charset=shift_jis", script{since(r, "since", `{"id":N,"text":"`+"\x95\x5c"+`"},`)})
			},
			[]string{"stream", "format json", "id id", "query since {sse.cursor}"},
			nil,
		},
		{
			"records without a position", "http://127.0.0.1:1/feed",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/json", script{3 * second, `{"id":7,"text":"a"}` + "\n", second, `{"id":8,"text":"b"}` + "\n"})
			},
			[]string{"stream 0", "format lines", "# no parameter was found with which it continues after a record. If there is one: id id, and query <name> {sse.cursor}"},
			[]string{"id id"},
		},
		{
			"values without line breaks", "http://127.0.0.1:1/feed",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/json", script{`{"a":1}`, second, `{"a":2}`})
			},
			[]string{"stream 0", "format json"},
			nil,
		},
		{
			"an array that never closes, of lists", "http://127.0.0.1:1/feed",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/json", script{"[" + since(r, "since", `{"changes":[{"id":N}]},`)})
			},
			[]string{"stream", "format json", "items changes", "id id", "query since {sse.cursor}"},
			nil,
		},
		{
			"text", "http://127.0.0.1:1/log",
			func(r *http.Request) *http.Response {
				return goingOn(r, "text/plain", script{"a line\n", second, "another\n"})
			},
			[]string{"stream 0", "format lines"},
			nil,
		},
		{
			"an event stream with ids", "http://127.0.0.1:1/events",
			func(r *http.Request) *http.Response {
				return goingOn(r, "text/event-stream", script{": hi\n\n", second, "id: 1\ndata: {\"id\":5,\"type\":\"x\"}\n\n", 5 * second, ": beat\n\n", 5 * second, ": beat\n\n"})
			},
			[]string{"stream 15s", "format sse", "# an event stream: each event is a record. Their ids are the position, which goes back in Last-Event-ID"},
			[]string{"id id", "event type"},
		},
		{
			"an event stream that is silent", "http://127.0.0.1:1/events",
			func(r *http.Request) *http.Response { return goingOn(r, "text/event-stream", nil) },
			[]string{"stream 0", "format sse", "# an event stream: each event is a record. None has come: try again while something happens there"},
			nil,
		},
		{
			"parts whose boundary is written wrongly", "http://127.0.0.1:1/parts",
			func(r *http.Request) *http.Response {
				return goingOn(r, "multipart/mixed; boundary=a/b", script{"--a/b\r\nEtag: 0\r\nLast-Modified: Sun, 29 Nov 2026 09:09:36 GMT\r\n\r\none\r\n--a/b", second})
			},
			[]string{"stream", "format multipart", "# each part is a record. Their Etag and Last-Modified are the position"},
			nil,
		},
		{
			"an infinite iframe", "http://127.0.0.1:1/comet",
			func(r *http.Request) *http.Response {
				return goingOn(r, "text/html", script{"<html><body>" + since(r, "since", `<script>push({"id":N})</script>`), 3 * second, "<!-- -->", 3 * second, "<!-- -->"})
			},
			[]string{"stream 15s", "format scripts", "id id", "query since {sse.cursor}"},
			nil,
		},
		{
			"a sign of life each minute is not seen", "http://127.0.0.1:1/events",
			func(r *http.Request) *http.Response {
				return goingOn(r, "text/event-stream", script{":ok\n\n", "data: 1\n\n", time.Minute, ":beat\n\n"})
			},
			[]string{"stream 0"},
			nil,
		},
		{
			"etcd, which knows no GET", "http://127.0.0.1:2379/v3/watch",
			func(*http.Request) *http.Response { return says(405, `{"error":"Method Not Allowed"}`) },
			[]string{"# it looks like a watch of etcd's version 3, which a POST begins", "stream 0", "format json", "method POST", "rewrite /v3/kv/range", "id kv.mod_revision", "reset result.canceled"},
			nil,
		},
		{
			"Icinga, which knows no GET", "http://127.0.0.1:5665/v1/events?types=CheckResult",
			func(*http.Request) *http.Response { return says(404, `{"error":404}`, "Server", "Icinga/r2.13.6-1") },
			[]string{"stream 0", "format lines", "method POST", "query types CheckResult", "query queue sse_bridge", "event type"},
			nil,
		},
		{
			"Kubernetes", "http://127.0.0.1:8001/api/v1/namespaces/web/pods?watch=1&labelSelector=a%3Db",
			func(r *http.Request) *http.Response {
				return goingOn(r, "application/json", script{`{"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}}` + "\n"})
			},
			[]string{"stream 5m", "format lines", "query resourceVersion {sse.cursor}", "rewrite ?labelSelector=a%3Db&limit=1", "id object.metadata.resourceVersion", "query labelSelector a=b"},
			nil,
		},
		{
			"a list of Kubernetes", "http://127.0.0.1:8001/apis/apps/v1/deployments",
			func(*http.Request) *http.Response {
				return says(200, `{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{"resourceVersion":"5"},"items":[]}`)
			},
			[]string{"stream 5m", "query watch 1", "ignore type BOOKMARK"},
			nil,
		},
		{
			"Docker", "http://127.0.0.1:2375/v1.43/events",
			func(r *http.Request) *http.Response {
				resp := goingOn(r, "application/json", script{`{"Type":"container","Action":"start","time":1,"timeNano":1000}` + "\n"})
				resp.Header.Set("Docker-Experimental", "false")
				return resp
			},
			[]string{"stream 0", "format lines", "query since {sse.cursor}", "jq `{id: \"\\(.time).\\(\"\\(.timeNano)\"[-9:])\", event: .Action, data: .}`"},
			nil,
		},
		{
			"CouchDB", "http://127.0.0.1:5984/db/_changes?feed=continuous&heartbeat=2000&since=now",
			func(*http.Request) *http.Response { return nil },
			[]string{"stream 30s", "query feed continuous", "query heartbeat 10000", "query since {sse.cursor}", "id seq", "start now", "ignore last_seq"},
			[]string{"query heartbeat 2000"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			block, _, err := blockFor(t, c.target, c.serve)
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
		})
	}
}

// TestAnAnswerThatTakesItsTimeDoesNotGoOn has answers that end, and that are held.
func TestAnAnswerThatTakesItsTimeDoesNotGoOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		serve endpoint
		want  string
	}{
		{"slow", func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: ended(goingOn(r, "", script{`{"a":`, 5 * time.Second, "1}"}).Body, 7), ContentLength: -1}
		}, "long_poll"},
		{"slow, of a known length", func(r *http.Request) *http.Response {
			body := goingOn(r, "", script{`{"a":`, 40 * time.Second, "1}"}).Body
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: ended(body, 7), ContentLength: 7}
		}, "long_poll"},
		{"held with blanks", func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: ended(goingOn(r, "", script{"\n", 9 * time.Second, "\n", 9 * time.Second, `{"a":1}`}).Body, 9), ContentLength: -1}
		}, "long_poll"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			block, _, err := blockFor(t, "http://127.0.0.1:1/", c.serve)
			if err != nil || !hasLine(block, c.want) || strings.Contains(block, "stream") {
				t.Errorf("got %v, and\n%s", err, block)
			}
		})
	}
}

// ended is a body that ends after so many bytes.
func ended(body io.ReadCloser, size int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, size), body}
}
