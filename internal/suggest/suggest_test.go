package suggest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// endpoint answers requests from memory. One that returns nil holds the request.
type endpoint func(r *http.Request) *http.Response

func (e endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := e(r)
	if resp == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	resp.Request = r
	return resp, nil
}

func says(status int, body string, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

// blockFor returns what is suggested, on simulated time, and what was said meanwhile.
func blockFor(t *testing.T, target string, e endpoint, header ...string) (block string, said []string, err error) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		looked := Endpoint{URL: u, Header: make(http.Header), Client: e, Say: func(text string) { said = append(said, text) }}
		for i := 0; i+1 < len(header); i += 2 {
			looked.Header.Set(header[i], header[i+1])
			if name := http.CanonicalHeaderKey(header[i]); name != "Cookie" {
				looked.Ours = append(looked.Ours, name)
			}
		}
		var b *Block
		if b, err = For(t.Context(), looked); err == nil {
			block = b.String()
		}
	})
	if err == nil {
		loads(t, block)
	}
	return block, said, err
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	growing, counted := 0, 0
	for _, c := range []struct {
		name, target string
		serve        endpoint
		header       []string
		has, hasNot  []string // lines
	}{
		{
			"a host of many names", "http://chat.example.com/rows?token=abc&room=a+b&lang=",
			func(*http.Request) *http.Response { return says(200, `{"a":1}`) },
			nil,
			[]string{"sse_bridge /rows {", "upstream {", "reverse_proxy chat.example.com {", "header_up Host {upstream_hostport}", "query token {env.TOKEN}", "query room `a b`", `query lang ""`, "cookies"},
			nil,
		},
		{
			"https", "https://api.example.com/v1",
			func(*http.Request) *http.Response { return says(200, `{"a":1}`) },
			[]string{"Cookie", "a=b", "Authorization", "Bearer c"},
			[]string{"sse_bridge /v1 https://api.example.com {"},
			[]string{"cookies"},
		},
		{
			"numbers that begin with what is asked for", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				switch r.URL.Query().Get("offset") {
				case "":
					return says(200, `[{"id":1},{"id":2},{"id":3}]`)
				case "2":
					return says(200, `[{"id":2},{"id":3}]`)
				}
				return says(200, `[]`)
			},
			nil,
			[]string{"items @this", "id id", "query offset {sse.cursor+1}", "interval 2s 10s", "order by_id"},
			nil,
		},
		{
			"the only item, where `since` wants a time", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				if r.URL.Query().Has("since") {
					return says(200, `[]`)
				}
				return says(200, `[{"id":"5f2c-aa","text":"x"}]`)
			},
			nil,
			[]string{"items @this", "id id", "diff items"},
			[]string{"query since {sse.cursor}"},
		},
		{
			"the only item, where `after` wants an id", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				if r.URL.Query().Get("after") == "5f2c-aa" {
					return says(200, `[]`)
				}
				return says(200, `[{"id":"5f2c-aa","text":"x"}]`)
			},
			nil,
			[]string{"items @this", "id id", "query after {sse.cursor}"},
			[]string{"diff items"},
		},
		{
			"a list with a position of its own", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				if r.URL.Query().Get("cursor") == "c2" {
					return says(200, `{"data":[],"next_cursor":"c2"}`)
				}
				return says(200, `{"data":[{"id":"x"},{"id":"y"}],"next_cursor":"c2"}`)
			},
			nil,
			[]string{"items data", "id id", "cursor next_cursor", "query cursor {sse.cursor}"},
			[]string{"order overlap"},
		},
		{
			"news without ids after a position", "http://127.0.0.1:1/?cursor=c0",
			func(r *http.Request) *http.Response {
				if r.URL.Query().Get("cursor") == "c2" {
					return nil
				}
				return says(200, `{"status":"ok","events":[{"type":"said","user":"ann","text":"a"},{"type":"left","user":"ann"}],"next_cursor":"c2","has_more":false}`)
			},
			nil,
			[]string{"long_poll", "# each of its items is an event; what stands beside them is not sent: status, has_more", "items events", "event type", "cursor next_cursor", "query cursor {sse.cursor}", "start c0", "more has_more"},
			[]string{"id type", "format json"},
		},
		{
			"a single counter, which is all the news", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response {
				counted++
				return says(200, `{"name":"x","count":`+strconv.Itoa(counted*counted)+`,"status":"ok"}`)
			},
			nil,
			[]string{"interval 2s 30s"},
			[]string{"data {name,status}"},
		},
		{
			"texts after a position", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				if r.URL.Query().Get("since") == "2" {
					return says(200, `{"lines":[],"last_id":2}`)
				}
				return says(200, `{"lines":["a","a"],"last_id":2}`)
			},
			nil,
			[]string{"items lines", "cursor last_id", "query since {sse.cursor}"},
			nil,
		},
		{
			"news that come all the time", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("cursor"), "c"))
				if n > 0 {
					time.Sleep(400 * time.Millisecond)
					return says(200, fmt.Sprintf(`{"events":[{"text":"event %d"}],"next_cursor":"c%d"}`, n+1, n+1))
				}
				return says(200, `{"events":[{"text":"event 1"},{"text":"event 2"}],"next_cursor":"c2"}`)
			},
			nil,
			[]string{"long_poll", "items events", "cursor next_cursor", "query cursor {sse.cursor}"},
			nil,
		},
		{
			"news that come often, and are answered at once", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				switch r.URL.Query().Get("cursor") {
				case "c2":
					return says(200, `{"events":[{"text":"event 3"}],"next_cursor":"c3"}`)
				case "c3":
					return says(200, `{"events":[],"next_cursor":"c3"}`)
				}
				return says(200, `{"events":[{"text":"event 1"},{"text":"event 2"}],"next_cursor":"c2"}`)
			},
			nil,
			[]string{"interval 2s 10s", "items events", "cursor next_cursor", "query cursor {sse.cursor}"},
			nil,
		},
		{
			"pages", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				switch r.URL.Query().Get("cursor") {
				case "c2":
					return says(200, `{"people":[{"name":"b"},{"name":"c"}],"next_cursor":"c4"}`)
				case "c4":
					return says(200, `{"people":[{"name":"d"}],"next_cursor":""}`)
				}
				return says(200, `{"people":[{"name":"a"},{"name":"aa"}],"next_cursor":"c2"}`)
			},
			nil,
			nil,
			[]string{"query cursor {sse.cursor}"},
		},
		{
			"a position beside more than a list", "http://127.0.0.1:1/",
			func(r *http.Request) *http.Response {
				if r.URL.Query().Get("cursor") == "c2" {
					return nil
				}
				return says(200, `{"events":[{"text":"a"},{"text":"a"}],"present":{"ann":true},"next_cursor":"c2"}`)
			},
			nil,
			[]string{"cursor next_cursor", "query cursor {sse.cursor}"},
			[]string{"items events"},
		},
		{
			"a table whose rows have names", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response {
				return says(200, "name;total\na;1\nb;2\n", "Content-Type", "text/csv")
			},
			nil,
			[]string{"format csv header ;", "# the answer is a table: each row is an item", "id name", "diff items"},
			nil,
		},
		{
			"topics in the order of the last answer", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response {
				return says(200, `[{"id":30,"text":"a","bumped_at":"2026-11-30T10:00:03Z"},{"id":66,"text":"b","bumped_at":"2026-11-30T10:00:02Z"},{"id":12,"text":"c","bumped_at":"2026-11-30T10:00:01Z"}]`)
			},
			nil,
			[]string{"id id", "diff items"},
			[]string{"order by_id", "order newest_first"},
		},
		{
			"few requests left", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response {
				return says(200, `[{"id":3},{"id":2}]`, "X-RateLimit-Remaining", "40")
			},
			nil,
			[]string{"# suggested after one request; to try it: caddy sse-bridge try / --caddyfile Caddyfile", "order by_id overlap"},
			nil,
		},
		{
			"two things and the time of their list", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response {
				return says(200, `{"orders":[{"id":1,"n":"a"},{"id":2,"n":"b"}],"updated":"2026-11-30T09:00:00Z"}`)
			},
			nil,
			[]string{"items orders", "id id", "diff items"},
			nil,
		},
		{
			"two things beside another", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response {
				return says(200, `{"orders":[{"id":1,"n":"a"},{"id":2,"n":"b"}],"notice":"the kitchen closes at ten o'clock today, sorry"}`)
			},
			nil,
			nil,
			[]string{"items orders", "diff items"},
		},
		{
			"a list in no order", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response { return says(200, `[{"id":3},{"id":9},{"id":2}]`) },
			nil,
			[]string{"id id", "diff items"},
			nil,
		},
		{
			"names in no order", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response { return says(200, `[{"id":"b"},{"id":"a"}]`) },
			nil,
			[]string{"id id", "diff items"},
			nil,
		},
		{
			"validators that hold", "http://127.0.0.1:1/sub",
			func(r *http.Request) *http.Response {
				if r.Header.Get("If-None-Match") != "" {
					return nil
				}
				return says(200, "hello", "ETag", "7", "Last-Modified", "Tue, 09 Jun 2026 12:47:01 GMT")
			},
			nil,
			[]string{"long_poll", "format message"},
			[]string{"interval 2s 30s"},
		},
		{
			"a log that grows", "http://127.0.0.1:1/log",
			func(*http.Request) *http.Response {
				growing++
				return says(200, strings.Repeat("a line of the log\n", growing), "Content-Type", "text/plain")
			},
			nil,
			[]string{"format lines", "interval 2s 10s"},
			nil,
		},
		{
			"XML", "http://127.0.0.1:1/rows.xml",
			func(*http.Request) *http.Response {
				return says(200, `<?xml version="1.0"?><log><row><id>1</id><text>a</text></row><row><id>2</id><text>b</text></row></log>`, "Content-Type", "text/xml")
			},
			nil,
			[]string{"format xml", "items log.row", "id id", "order by_id"},
			nil,
		},
		{
			"OData", "http://127.0.0.1:1/users/delta",
			func(*http.Request) *http.Response {
				return says(200, `{"value":[],"@odata.deltaLink":"http://127.0.0.1:1/users/delta?$deltatoken=a"}`)
			},
			nil,
			[]string{"cursor `@odata\\.deltaLink`", "rewrite {sse.cursor}"},
			nil,
		},
		{
			"a URL at the end of a list that is held", "http://127.0.0.1:1/?lastId=3&room=7",
			func(r *http.Request) *http.Response {
				switch r.URL.Query().Get("lastId") {
				case "":
					return says(200, `{"rows":[{"id":1},{"id":2},{"id":3}]}`)
				case "2":
					return says(200, `{"rows":[{"id":3}]}`)
				}
				return nil
			},
			nil,
			[]string{"long_poll", "items rows", "query lastId {sse.cursor}", "start 3", "query room 7"},
			nil,
		},
		{
			"an empty list", "http://127.0.0.1:1/",
			func(*http.Request) *http.Response { return says(200, `{"rows":[]}`) },
			nil,
			[]string{"# the list `rows` is empty: try again when it has items, to make an event of each", "interval 2s 30s"},
			nil,
		},
		{
			"a fragment of HTML", "http://127.0.0.1:1/online",
			func(*http.Request) *http.Response { return says(200, "<b>17</b> online", "Content-Type", "text/html") },
			nil,
			[]string{"interval 2s 30s"},
			[]string{"format xml"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			block, _, err := blockFor(t, c.target, c.serve, c.header...)
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

func hasLine(block, line string) bool {
	for l := range strings.SplitSeq(block, "\n") {
		if strings.TrimSpace(l) == line {
			return true
		}
	}
	return false
}

func TestEachLineHasAReason(t *testing.T) {
	t.Parallel()
	block, _, err := blockFor(t, "http://127.0.0.1:1/", func(*http.Request) *http.Response { return says(200, `[{"id":3,"type":"x"},{"id":2,"type":"y"}]`) })
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(block, "{\n")
	for i, l := range strings.Split(strings.TrimSuffix(lines, "}\n"), "\n") {
		if comment := strings.HasPrefix(l, "\t# "); l != "" && comment != (i%2 == 0) {
			t.Errorf("line %d is %q in\n%s", i, l, block)
		}
	}
}

func TestAnEndpointThatHoldsEveryRequestIsAskedOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	block, said, err := blockFor(t, "http://127.0.0.1:1/wait", func(*http.Request) *http.Response {
		asked++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 || len(said) != 1 || !hasLine(block, "long_poll") || !hasLine(block, "format message") {
		t.Errorf("after %d requests, and saying %q, it is\n%s", asked, said, block)
	}
}

func TestWhatIsNoEndpointIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		serve endpoint
		want  string
	}{
		{"401", func(*http.Request) *http.Response { return says(401, "") }, "status 401: the backend requires authentication"},
		{"404", func(*http.Request) *http.Response { return says(404, "") }, "status 404: nothing is at this path"},
		{"503", func(*http.Request) *http.Response { return says(503, "") }, "status 503"},
		{"elsewhere", func(*http.Request) *http.Response { return says(302, "", "Location", "http://login.example.com/") }, "it redirects to http://login.example.com/"},
		{"a login page", func(*http.Request) *http.Response { return says(200, `<html><input type="password"></html>`) }, "this is a login page"},
		{"a login page whose attributes are not quoted", func(*http.Request) *http.Response {
			return says(200, "<HTML><form><input name=p TYPE=password></form></HTML>")
		}, "this is a login page"},
		{"more than is read", func(*http.Request) *http.Response { return says(200, `["`+strings.Repeat("x", maxBody)+`"]`) }, "larger than 8 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := blockFor(t, "http://127.0.0.1:1/", c.serve)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestSuggestingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := For(ctx, Endpoint{
			URL: &url.URL{Scheme: "http", Host: "a", Path: "/"}, Header: make(http.Header), Say: func(string) {},
			Client: endpoint(func(*http.Request) *http.Response { return nil }),
		})
		if err == nil || ctx.Err() == nil {
			t.Errorf("got the error %v before the end", err)
		}
	})
}

// TestAnEndpointDoesNotSteerTheTerminal has ids and names that would.
func TestAnEndpointDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	block, _, err := blockFor(t, "http://127.0.0.1:9000/messages", func(r *http.Request) *http.Response {
		if since := r.URL.Query().Get("since"); since != "" && since != "!" {
			return says(200, `{"\u001b[2Jitems":[]}`)
		}
		return says(200, `{"\u001b[2Jitems":[{"id":"a\u001b]0;owned\u0007\u009b2J"}]}`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(block, "\x1b\x07\u009b") || !strings.Contains(block, "since=a") {
		t.Errorf("got %q", block)
	}
}

func TestAPathWithALineBreakStaysInItsComment(t *testing.T) {
	t.Parallel()
	b := Block{Path: "/a\nb", Notes: []string{"to try /a\nb"}}
	if got := b.String(); !strings.HasPrefix(got, "# to try /a b\nsse_bridge ") {
		t.Errorf("got %q", got)
	}
}
