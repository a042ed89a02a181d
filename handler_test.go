package ssebridge

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestAChatStreamsAndResumes(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	c.Say("one", "two")
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, c.ServeHTTP)))
	first := testsite.Subscribe(t, s.URL+"/messages")
	for i, want := range []string{"one", "two"} {
		if e := first.Next(); e.Data != want || e.ID != strconv.Itoa(i+1) {
			t.Errorf("got %+v, want %q", e, want)
		}
	}
	c.Say("three")
	if e := first.Next(); e.Data != "three" || e.ID != "3" {
		t.Errorf("got %+v", e)
	}
	first.Close()
	c.Say("four")
	second := testsite.Subscribe(t, s.URL+"/messages", "Last-Event-ID", "2")
	for _, want := range []string{"three", "four"} {
		if e := second.Next(); e.Data != want {
			t.Errorf("got %+v, want %q", e, want)
		}
	}
}

func TestOnlyWhoAsksForAnEventStreamByNameGetsOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		accept []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"*/*"}, false},
		{[]string{"text/*"}, false},
		{[]string{"application/json, text/javascript, */*; q=0.01"}, false},
		{[]string{"text/event-stream"}, true},
		{[]string{"TEXT/Event-Stream"}, true},
		{[]string{" text/event-stream ;q=1 "}, true},
		{[]string{"text/event-stream; charset=utf-8"}, true},
		{[]string{"application/json;q=0.9,text/event-stream;q=0.1"}, true},
		{[]string{"text/html", "text/event-stream"}, true},
		{[]string{"text/event-stream;q=0.001"}, true},
		{[]string{"text/event-stream;q=0"}, false},
		{[]string{"text/event-stream;q=0.000, */*"}, false},
		{[]string{"text/event-stream; Q=0"}, false},
		{[]string{"text/event-streams"}, false},
		{[]string{"xtext/event-stream"}, false},
		{[]string{"text/event-stream2, application/text/event-stream"}, false},
	} {
		if got := wantsStream(&http.Request{Header: http.Header{"Accept": c.accept}}); got != c.want {
			t.Errorf("Accept: %q: %v", c.accept, got)
		}
	}
}

func TestHeadersComeWhileTheUpstreamStillHoldsTheFirstPoll(t *testing.T) {
	addr, polls := testsite.Hanging(t)
	s := testsite.Run(t, testsite.BridgeSite(addr, "long_poll"))
	clock := testclock.New(t)
	stream := testsite.Subscribe(t, s.URL+"/")
	if took := clock.Now(); took > 5*time.Second {
		t.Errorf("the headers took %s", took)
	}
	<-polls
	got := stream.Response
	if got.StatusCode != 200 || got.ProtoMajor != 1 {
		t.Errorf("got %s", got.Status)
	}
	for name, want := range map[string][]string{
		"Content-Type": {"text/event-stream"}, "Cache-Control": {"no-cache, no-transform"}, "X-Accel-Buffering": {"no"}, "Vary": {"Accept"},
		"Connection": nil, "Content-Length": nil, "Content-Encoding": nil, "Access-Control-Allow-Origin": nil, "Set-Cookie": nil,
	} {
		if values := got.Header.Values(name); !slices.Equal(values, want) {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
}

func TestAPromptFirstAnswerIsNotWaitedFor(t *testing.T) {
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })))
	clock, fastest := testclock.New(t), time.Hour
	for feed := 0; feed < 5 && fastest > bridge.FirstAnswer; feed++ { // a busy machine may hold some up
		before := clock.Now()
		stream := testsite.Subscribe(t, s.URL+"/"+strconv.Itoa(feed))
		if e := stream.Next(); e.Data != "hello" {
			t.Errorf("got %+v", e)
		}
		fastest = min(fastest, clock.Since(before))
	}
	if fastest > bridge.FirstAnswer {
		t.Errorf("the first event took %s at least", fastest)
	}
}

func TestStreamsSayWhenToComeBack(t *testing.T) {
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }), "retry 10s"))
	e := testsite.Subscribe(t, s.URL+"/").Next()
	if ms, err := strconv.Atoi(e.Retry); err != nil || ms < 8000 || ms > 12000 {
		t.Errorf("retry: %s", e.Retry)
	}
}

func TestHEADOfAStreamIsItsHeaders(t *testing.T) {
	addr, polls := testsite.Hanging(t)
	s := testsite.Run(t, testsite.BridgeSite(addr, "long_poll"))
	resp, _ := testsite.Do(t, "HEAD", s.URL, "", "Accept", "text/event-stream")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Vary") != "Accept" || len(polls) > 0 {
		t.Errorf("got %s %v after %d polls", resp.Status, resp.Header, len(polls))
	}
}

func TestOnlyWhatCanBeRepeatedIsPolled(t *testing.T) {
	var polls sync.Map
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		polls.Store(r.Method+" "+string(body), true)
		io.WriteString(w, "hello")
	})
	polled := func() (all []string) {
		polls.Range(func(poll, _ any) bool {
			all = append(all, poll.(string))
			return true
		})
		slices.Sort(all)
		polls.Clear()
		return all
	}
	for _, line := range []string{"", "method REPORT"} {
		s := testsite.Run(t, testsite.BridgeSite(addr, "interval 1h", "cors https://app.example", line))
		for _, c := range []struct {
			method, body string
			status       int
			polls        string
		}{
			{"GET", "", 200, "GET "},
			{"POST", "a=1", 200, "POST a=1"},
			{"HEAD", "", 200, ""},
			{"OPTIONS", "", 204, ""},
			{"DELETE", "", 405, ""},
			{"PUT", "a=1", 405, ""},
			{"PATCH", "a=1", 405, ""},
			{"REPORT", "", 405, ""},
			{"get", "", 405, ""},
		} {
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", "text/event-stream")
			r.Header.Set("Origin", "https://app.example")
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if c.polls != "" {
				if _, err := io.ReadFull(resp.Body, make([]byte, len("retry: "))); err != nil {
					t.Errorf("%s: %v", c.method, err)
				}
			}
			resp.Body.Close()
			want := c.polls
			if _, body, found := strings.Cut(want, " "); found && line != "" {
				want = "REPORT " + body
			}
			allow := "GET, HEAD, POST, OPTIONS"
			if c.status == 200 {
				allow = ""
			}
			if got := strings.Join(polled(), "; "); resp.StatusCode != c.status || resp.Header.Get("Allow") != allow || got != want {
				t.Errorf("%q, %s: got %s, Allow %q, polls %q; want %d, %q, %q", line, c.method, resp.Status, resp.Header.Get("Allow"), got, c.status, allow, want)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") == "" || !slices.Contains(resp.Header.Values("Vary"), "Accept") {
				t.Errorf("%q, %s: got %v", line, c.method, resp.Header)
			}
		}
		if resp, _ := testsite.Do(t, "DELETE", s.URL, ""); resp.StatusCode != 200 {
			t.Errorf("a legacy client's DELETE gets %s", resp.Status)
		}
		polled()
	}
}

func TestLegacyClientsKeepTheirURL(t *testing.T) {
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Vary", "Cookie")
		w.Header().Set("Set-Cookie", "sid=1")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("X-Secret"), body)
	})
	s := testsite.Run(t, testsite.BridgeSite(addr, "rewrite /polled", "header_up X-Secret polled", "method PUT", "cookies"))
	resp, body := testsite.Do(t, "POST", s.URL+"/legacy?lastEventId=3", "a=1", "X-Secret", "mine")
	if resp.StatusCode != http.StatusTeapot || body != "POST /legacy?lastEventId=3 mine a=1" || resp.Header.Get("Set-Cookie") != "sid=1" {
		t.Errorf("got %s %s", resp.Status, body)
	}
	if vary := resp.Header.Values("Vary"); !slices.Contains(vary, "Accept") || !slices.Contains(vary, "Cookie") {
		t.Errorf("Vary: %q", vary)
	}
}

// A request that no upstream route answers goes on to what stands behind the bridge.
func TestLegacyClientsGetBehindTheBridge(t *testing.T) {
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge {\n\t\tupstream {\n\t\t\trespond /poll polled\n\t\t}\n\t}\n\trespond behind\n}")
	for path, want := range map[string]string{"/poll": "polled", "/other": "behind"} {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != want || resp.Header.Get("Vary") != "Accept" {
			t.Errorf("%s: got %q, Vary %q", path, body, resp.Header.Get("Vary"))
		}
	}
}

func TestClientsGiveTheirLastEventIDInFourWays(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	c.Say("one", "two", "three")
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, c.ServeHTTP)))
	for _, query := range []string{"", "?lastEventId=2", "?last_event_id=2", "?Last-Event-ID=2", "?a=1&lastEventId=1"} {
		header := []string{"Last-Event-ID", "2"}
		if query != "" && !strings.HasSuffix(query, "=1") {
			header = nil
		}
		stream := testsite.Subscribe(t, s.URL+"/messages"+query, header...)
		if e := stream.Next(); e.Data != "three" {
			t.Errorf("%s %s: got %+v", query, header, e)
		}
		stream.Close()
	}
	for _, r := range c.Polled() {
		if q := r.URL.Query(); q.Get("lastId") == "" || len(q) > 2 || r.Header.Get("Last-Event-ID") != "" || strings.Contains(strings.ToLower(r.RequestURI), "event") {
			t.Errorf("the upstream got %s", r.RequestURI)
		}
	}
}

func TestLastEventIDsOfAttackersStayValues(t *testing.T) {
	var mu sync.Mutex
	var uris []string
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		uris = append(uris, r.RequestURI)
		fmt.Fprintf(w, `{"messages":[{"id":%q,"text":"next"}]}`, "n"+strconv.Itoa(len(uris)))
	})
	s := testsite.Run(t, testsite.ChatSite(addr))
	for id, want := range map[string]string{
		"1&admin=1":        "1&admin=1",
		"1%0D%0AX:1":       "1\r\nX:1",
		"../../etc/passwd": "../../etc/passwd",
		"{env.HOME}":       "{env.HOME}",
	} {
		stream := testsite.Subscribe(t, s.URL+"/messages", "Last-Event-ID", id)
		stream.Next()
		stream.Close()
		mu.Lock()
		if !slices.Contains(uris, "/messages?lastId="+url.QueryEscape(want)) {
			t.Errorf("%s: the upstream got %q", id, uris)
		}
		mu.Unlock()
	}
}
