package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// What legacy backends are known to do to those who poll them. nchan's 408 and its messages of one second are in the
// recipe of nchan, Consul's large index is in Consul's, and pages of the newest items are in Twitter's and GitHub's.

// CouchDB answers a long poll with the beginning of a list and then, as a heartbeat, with newlines until there is a change.
func TestAHeartbeatUntilThePollsTimeIsOverIsNoNews(t *testing.T) {
	var news atomic.Bool
	var cutOff atomic.Int32
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		flush := http.NewResponseController(w).Flush
		switch since := r.URL.Query().Get("since"); {
		case since == "":
			io.WriteString(w, `{"results":[{"seq":"1-a","id":"d1"}],"last_seq":"1-a"}`)
			return
		case since == "1-a" && news.Load():
			io.WriteString(w, "{\"results\":[\n\n{\"seq\":\"2-b\",\"id\":\"d2\"}\n],\n\"last_seq\":\"2-b\"}\n")
			return
		}
		io.WriteString(w, `{"results":[`)
		for range 3 {
			io.WriteString(w, "\n")
			flush()
		}
		<-r.Context().Done()
		cutOff.Add(1)
	}), "interval 20ms", "long_poll 3s", "timeout 4s", "items results", "id seq", "data id", "query feed longpoll", "query heartbeat 20", "query since {sse.cursor}"))
	stream := testsite.Subscribe(t, s.URL)
	stream.Want("d1|1-a")
	testsite.Eventually(t, "two polls that brought a heartbeat alone", func() bool { return cutOff.Load() >= 2 })
	news.Store(true)
	stream.Want("d2|2-b")
	for _, comment := range stream.Seen() {
		if comment != "" {
			t.Errorf("the client was told %q", comment)
		}
	}
}

// rpc is a backend that answers with 200 whatever happens, as JSON-RPC does.
type rpc struct {
	mu     sync.Mutex
	items  []string
	broken int      // so many answers are errors
	asked  []string // the cursors of polls that got one
}

func (b *rpc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, _ := strconv.Atoi(r.URL.Query().Get("last"))
	if b.broken > 0 {
		b.broken--
		b.asked = append(b.asked, strconv.Itoa(last))
		io.WriteString(w, `{"jsonrpc":"2.0","id":1,"error":{"code":200,"message":"a secret"}}`)
		return
	}
	io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":[`)
	for i := last; i < len(b.items); i++ {
		if i > last {
			io.WriteString(w, ",")
		}
		fmt.Fprintf(w, `{"id":%d,"message":%q}`, i+1, b.items[i])
	}
	io.WriteString(w, "]}")
}

func (b *rpc) breaks(answers int, say ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken, b.items = answers, append(b.items, say...)
}

func TestAnErrorInsideA200(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  []string // after two errors
		told  bool     // the client is told of the outage
		asked string   // the cursors of the polls that failed
	}{
		{
			"is an outage where jq fails for it, and what is known is asked for first",
			[]string{"jq `if .body.error then error(.body.error.message) else .body.result[] | {id, data: .message} end`"},
			[]string{"b|2"},
			true, "1 0",
		},
		{
			"is a reset where a condition says so, and newcomers' polls follow",
			[]string{"items result", "id id", "data message", "reset error"},
			[]string{`{"reason":"upstream"}`, "a|1", "b|2"},
			true, "1 0",
		},
		{
			"is taken for no news where nothing looks at it, and nothing is lost",
			[]string{"items result", "id id", "data message"},
			[]string{"b|2"},
			false, "1 1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &rpc{items: []string{"a"}}
			s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, b.ServeHTTP), append(c.lines, "interval 20ms", "query last {sse.cursor}")...))
			stream := testsite.Subscribe(t, s.URL)
			stream.Want("a|1")
			b.breaks(2, "b")
			stream.Want(c.want...)
			if told := slices.Contains(stream.Seen(), page.Unreadable); told != c.told {
				t.Errorf("comments: %q", stream.Seen())
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if asked := strings.Join(b.asked, " "); asked != c.asked {
				t.Errorf("polls from %s got the errors, want %s", asked, c.asked)
			}
			if strings.Contains(strings.Join(stream.Seen(), ""), "secret") {
				t.Errorf("an error's text went to the client: %q", stream.Seen())
			}
		})
	}
}

const loginPage = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form method=\"post\"></form></body></html>\n"

// A session that has ended is answered with a login page, by itself or through a redirect.
func TestALoginPageIsNeverAnEvent(t *testing.T) {
	readings := []struct {
		name, one, both string
		lines           []string
	}{
		{"items", `[{"id":1}]`, `[{"id":1},{"id":2}]`, []string{"items @this", "id id", "data id", "order by_id"}},
		{"newest first", `[{"id":1}]`, `[{"id":2},{"id":1}]`, []string{"items @this", "id id", "data id", "order newest_first"}},
		{"an item without a list", `{"id":1}`, `{"id":2}`, []string{"id id", "data id", "query since {sse.cursor}"}},
		{"a document in JSON", "1", "2", []string{"format json"}},
		{"a table", "1,x\n", "1,x\n2,x\n", []string{"format csv", "data 0"}},
		{"lines", "1\n", "1\n2\n", []string{"format lines"}},
		{"jq", "[1]", "[1,2]", []string{`jq ".body[] | {id: ., data: .}"`, "query since {sse.cursor}"}},
	}
	endings := []struct {
		name, comment string
		answer        func(w http.ResponseWriter, r *http.Request)
	}{
		{"200", page.Unreadable, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, loginPage) }},
		{"a redirect to its own login page", page.Unreadable, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				io.WriteString(w, loginPage)
				return
			}
			http.Redirect(w, r, "/login?next="+r.URL.Path, http.StatusFound)
		}},
		{"a redirect to another host", "upstream refuses", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
		}},
	}
	for _, ending := range endings {
		t.Run(ending.name, func(t *testing.T) {
			var ended, more atomic.Bool
			var blocks strings.Builder
			addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				if ended.Load() || r.URL.Path == "/login" { // a poll may follow a redirect when that has passed
					ending.answer(w, r)
					return
				}
				n, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
				if w.Header().Set("Content-Type", "text/plain"); more.Load() {
					io.WriteString(w, readings[n].both)
				} else {
					io.WriteString(w, readings[n].one)
				}
			})
			for i, reading := range readings {
				fmt.Fprintf(&blocks, "\tsse_bridge /%d %s {\n\t\tinterval 20ms\n\t\t%s\n\t}\n", i, addr, strings.Join(reading.lines, "\n\t\t"))
			}
			s := testsite.Run(t, "{{site}} {\n"+blocks.String()+"}\n")
			streams := make([]*testsite.Subscription, len(readings))
			for i := range readings {
				streams[i] = testsite.Subscribe(t, s.URL+"/"+strconv.Itoa(i))
				streams[i].Want("1")
			}
			more.Store(true)
			ended.Store(true)
			for i := range readings {
				streams[i].HasComment(ending.comment)
			}
			ended.Store(false)
			for i, reading := range readings {
				if got := streams[i].Next(); got.Data != "2" {
					t.Errorf("%s: got %+v", reading.name, got)
				}
			}
		})
	}
}

// Syncthing counts its events from 1 again when it has been restarted, and would hold a poll from
// a higher number for ever.
func TestIDsThatBeginAt1AgainAreAReset(t *testing.T) {
	chat := testsite.NewChat(0)
	restarting := &sometimes{chat: chat}
	s := testsite.Run(t, testsite.FormatSite(testsite.Backend(t, restarting.ServeHTTP), "interval 20ms", "items messages", "id id", "data text", "order by_id", "query lastId {sse.cursor}"))
	chat.Say("a", "b", "c")
	stream := testsite.Subscribe(t, s.URL)
	stream.Want("a|1", "b|2", "c|3")
	away := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	restarting.answer.Store(&away)
	stream.HasComment("status 503")
	chat.Mu.Lock()
	chat.Lines = []string{"new"}
	chat.Mu.Unlock()
	restarting.answer.Store(nil)
	stream.Want(`{"reason":"restarted"}`, "new|1")
	chat.Say("newer")
	stream.Want("newer|2")
	testsite.Subscribe(t, s.URL, "Last-Event-ID", "3").Want(`{"reason":"restarted"}`, "new|1", "newer|2")
}
