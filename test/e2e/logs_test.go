package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// entry is one line of a log.
type entry struct {
	Level, Logger, Msg, Feed, Reason, Bridge, State string
	Events                                          int
	Bytes                                           int64
	Duration                                        float64
	SSEFeed                                         string `json:"sse_feed"`
	SSEEvents                                       int    `json:"sse_events"`
	SSEReason                                       string `json:"sse_reason"`
}

// entries returns the lines of a log that a logger has written, or one below it.
func (l *logged) entries(t *testing.T, logger string) (all []entry, raw string) {
	t.Helper()
	var text strings.Builder
	content, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err == nil && strings.HasPrefix(e.Logger, logger) {
			all = append(all, e)
			text.WriteString(lines.Text() + "\n")
		}
	}
	return all, text.String()
}

// message returns the first line that says something.
func message(all []entry, msg string) (e entry, found bool) {
	for _, e := range all {
		if e.Msg == msg {
			return e, true
		}
	}
	return entry{}, false
}

const bridgeLogger = "http.handlers.sse_bridge"

// both waits for what the bridge says of a request, and for the request's line in the access log.
func (l *logged) both(t *testing.T, msg string) (said, access entry) {
	t.Helper()
	testsite.Eventually(t, "the lines", func() bool {
		lines, _ := l.entries(t, bridgeLogger)
		accesses, _ := l.entries(t, "http.log.access")
		var saidFound, accessFound bool
		said, saidFound = message(lines, msg)
		access, accessFound = message(accesses, "handled request")
		return saidFound && accessFound
	})
	return said, access
}

func TestTheLogSaysWhatBecameOfAStream(t *testing.T) {
	c := testsite.NewChat(0)
	c.Say("one", "two")
	log, options := global(t, "\tdebug")
	s := testsite.Run(t, options+strings.Replace(testsite.ChatSite(testsite.Backend(t, c.ServeHTTP), "name chat"), "{{site}} {", "{{site}} {\n\tlog", 1))
	client := testsite.Subscribe(t, s.URL+"/messages")
	client.Want("one", "two")
	client.Close()
	ended, access := log.both(t, "stream ended")
	lines, _ := log.entries(t, bridgeLogger)
	opened, _ := message(lines, "stream opened")
	if opened.Level != "debug" || opened.Bridge != "chat" || len(opened.Feed) != 12 {
		t.Errorf("the stream opened so: %+v", opened)
	}
	if ended.Level != "debug" || ended.Feed != opened.Feed || ended.Reason != "client_gone" || ended.Events != 2 || ended.Bytes < 40 || ended.Duration <= 0 {
		t.Errorf("the stream ended so: %+v", ended)
	}
	if access.SSEFeed != opened.Feed || access.SSEEvents != 2 || access.SSEReason != "client_gone" {
		t.Errorf("the access log says %+v", access)
	}
}

func TestTheLogSaysWhichBridgeTurnsAClientAway(t *testing.T) {
	c := testsite.NewChat(0)
	c.Say("one")
	log, options := global(t)
	s := testsite.Run(t, options+strings.Replace(testsite.ChatSite(testsite.Backend(t, c.ServeHTTP), "name chat", "limits {\n\t\t\tclients 1\n\t\t}"), "{{site}} {", "{{site}} {\n\tlog", 1))
	testsite.Subscribe(t, s.URL+"/messages").Want("one")
	testsite.Subscribe(t, s.URL+"/messages")
	turned, access := log.both(t, "client turned away")
	if turned.Level != "warn" || turned.Bridge != "chat" {
		t.Errorf("the client was turned away so: %+v", turned)
	}
	if access.SSEReason != "limit" || access.SSEFeed != "" {
		t.Errorf("the access log says %+v", access)
	}
}

// TestALineOfTheAccessLogComesWithTheEndOfItsStream lets streams end whose connections the bridge has taken over where it can.
func TestALineOfTheAccessLogComesWithTheEndOfItsStream(t *testing.T) {
	tests := map[string]struct{ reloads, skips bool }{"plain": {}, "skipped": {skips: true}}
	if testsite.TakesOver() { // Caddy writes the line of a handler to the log that was closed with the reload
		tests["reloaded"] = struct{ reloads, skips bool }{reloads: true}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var polls, refuses atomic.Int64
			upstream := testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) {
				if refuses.Load() > 0 {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				fmt.Fprintf(w, "poll %d", polls.Add(1))
			})
			folder := t.TempDir()
			site := func(file string) string {
				return "{{site}} {\n\tlog {\n\t\toutput file " + folder + "/" + file + "\n\t}\n\trespond /other ok\n\tvars tenant blue\n\tlog_append tenant {vars.tenant}\n\t" +
					map[bool]string{true: "log_skip /stream"}[test.skips] + "\n\tsse_bridge /stream " + upstream + " {\n\t\tinterval 10ms\n\t\tlimits {\n\t\t\tclients 1\n\t\t}\n\t}\n}\n"
			}
			s := testsite.Run(t, site("a.log"))
			first, newest := &logged{folder + "/a.log"}, &logged{folder + "/a.log"}

			open := func() *http.Response {
				r, _ := http.NewRequest(http.MethodGet, s.URL+"/stream", nil)
				r.Header.Set("Accept", "text/event-stream")
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				return resp
			}
			asked := time.Now()
			resp := open()
			defer resp.Body.Close()
			if resp.Close != testsite.TakesOver() {
				t.Errorf("the connection was taken over: %t", resp.Close)
			}
			if test.reloads {
				newest = &logged{folder + "/b.log"}
				s.Reload(site("b.log"))
			}
			var body bytes.Buffer
			var begun time.Time // no earlier than its connection was taken over
			for polls.Load() < 20 || begun.IsZero() {
				part := make([]byte, 1<<10)
				n, err := resp.Body.Read(part)
				if err != nil {
					t.Fatal(err)
				}
				body.Write(part[:n])
				if begun.IsZero() && bytes.Contains(body.Bytes(), []byte("data:")) {
					begun = time.Now()
				}
			}
			if _, raw := newest.entries(t, "http.log.access"); raw != "" {
				t.Errorf("before the end there is %s", raw)
			}
			least := time.Since(begun)
			refuses.Store(1)
			if _, err := io.Copy(&body, resp.Body); err != nil {
				t.Fatal(err)
			}

			// the next one is let in once the stream has been left, after its line was written
			testsite.Eventually(t, "a place for the next client", func() bool {
				next := open()
				defer next.Body.Close()
				return next.StatusCode == http.StatusUnauthorized
			})
			most := time.Since(asked)
			testsite.Fetch(t, s.URL+"/other")
			var all []accessed
			testsite.Eventually(t, "the line of the last request", func() bool {
				all = newest.accesses(t)
				return slices.ContainsFunc(all, func(a accessed) bool { return a.Request.URI == "/other" })
			})
			if test.reloads {
				if _, raw := first.entries(t, "http.log.access"); raw != "" {
					t.Errorf("the earlier configuration's log says %s", raw)
				}
			}
			if test.skips {
				if len(all) != 1 {
					t.Errorf("logged were %+v", all)
				}
				return
			}
			all = slices.DeleteFunc(all, func(a accessed) bool { return a.Request.URI != "/stream" || a.SSEEvents == 0 })
			if len(all) != 1 {
				t.Fatalf("the lines of the stream are %+v", all)
			}
			line := all[0]
			if took := time.Duration(line.Duration * float64(time.Second)); took < least || took > most {
				t.Errorf("the stream took %s, want %s to %s", took, least, most)
			}
			if line.Size != body.Len() || line.SSEEvents != strings.Count(body.String(), "data:") {
				t.Errorf("the client got %d bytes: %q\nlogged was %+v", body.Len(), &body, line)
			}
			want := accessed{
				entry:  entry{Level: "info", Logger: "http.log.access.log0", Msg: "handled request", SSEReason: "refused"},
				Status: 200, Tenant: "blue", Request: line.Request,
			}
			if len(line.SSEFeed) != 12 {
				t.Errorf("the feed is %q", line.SSEFeed)
			}
			line.Duration, line.Size, line.SSEEvents, line.SSEFeed = 0, 0, 0, ""
			if line != want {
				t.Errorf("logged was %+v, want %+v", line, want)
			}
		})
	}
}

// accessed is a line of the access log.
type accessed struct {
	entry
	Status, Size int
	Tenant       string
	Request      struct{ URI string }
}

// accesses returns the lines of the access log.
func (l *logged) accesses(t *testing.T) (all []accessed) {
	t.Helper()
	_, raw := l.entries(t, "http.log.access")
	for line := range strings.Lines(raw) {
		var a accessed
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// TestAnOutageIsLoggedOnceAtEachTurn has many polls fail, and clients behind that fail beside the head.
func TestAnOutageIsLoggedOnceAtEachTurn(t *testing.T) {
	fails := false
	up := newScript(func(w http.ResponseWriter, _ *http.Request) bool {
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			fmt.Fprint(w, "one")
		}
		return true
	})
	log, options := global(t)
	s := testsite.Run(t, options+"{{site}} {\n\tsse_bridge "+testsite.Backend(t, up.ServeHTTP)+" {\n\t\tinterval 10ms\n\t}\n}")
	for range 5 {
		testsite.Subscribe(t, s.URL+"/x").Next()
	}
	polls := 0
	up.change(func() { fails, polls = true, len(up.asked) })
	up.polls(t, polls+2)
	up.change(func() { fails = false })
	var lines []entry
	testsite.Eventually(t, "the upstream to be back", func() bool {
		lines, _ = log.entries(t, bridgeLogger)
		_, back := message(lines, "upstream answers again")
		return back
	})
	if len(lines) != 2 || lines[0].Level != "warn" || lines[0].State != "status 503" || lines[1].Level != "info" {
		t.Errorf("logged were %+v", lines)
	}
}

// TestNoSecretsReachOperators has clients bring secrets of each kind, while the upstream is well and
// while it is not, and looks for them in the metrics, the admin API and the bridge's log.
func TestNoSecretsReachOperators(t *testing.T) {
	fails := false
	up := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Set-Cookie", "upstream=s3cret-of-upstream")
		switch {
		case strings.HasPrefix(r.URL.Path, "/refused"):
			w.Header().Set("WWW-Authenticate", `Basic realm="s3cret-realm"`)
			w.WriteHeader(http.StatusUnauthorized)
		case fails:
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, "s3cret-in-an-error")
		default:
			fmt.Fprint(w, `{"news":"s3cret-in-an-answer"}`)
		}
		return true
	})
	file := &logged{t.TempDir() + "/log"}
	addr := testport.Free(t)
	t.Setenv("SSE_BRIDGE_TEST_TOKEN", "s3cret-of-operator")
	s := testsite.Run(t, "{\n\tadmin "+addr+"\n\tpersist_config off\n\tauto_https off\n\tdebug\n\tlog {\n\t\toutput file "+file.file+"\n\t\tformat json\n\t}\n}\n{{site}} {\n\thandle /metrics {\n\t\tmetrics\n\t}\n\tsse_bridge /* "+
		testsite.Backend(t, up.ServeHTTP)+" {\n\t\tinterval 20ms\n\t\theader_up X-Key {env.SSE_BRIDGE_TEST_TOKEN}\n\t\tquery key {env.SSE_BRIDGE_TEST_TOKEN}\n\t}\n}")
	t.Cleanup(func() { testsite.AdminOff(t) })
	secrets := []string{"Authorization", "Bearer s3cret-token", "Cookie", "sid=s3cret-cookie; s3cret-alone", "Last-Event-ID", "s3cret-id"}
	path := "/private?token=s3cret-query&s3cret-alone"
	testsite.Subscribe(t, s.URL+path, secrets...).Next()
	testsite.Subscribe(t, s.URL+"/refused?token=s3cret-query", secrets...)
	watching := testsite.Subscribe(t, "http://"+addr+"/sse_bridge/events")
	up.change(func() { fails = true })
	failing := testsite.Subscribe(t, s.URL+path, secrets...)
	failing.HasComment("status 503")
	var raw, events string
	testsite.Eventually(t, "the outage to be logged", func() bool {
		var lines []entry
		lines, raw = file.entries(t, bridgeLogger)
		_, down := message(lines, "upstream is down; clients stay connected, polls are backed off")
		_, refused := message(lines, "upstream refuses the poll; its streams end")
		_, events = file.entries(t, "events")
		return down && refused && strings.Contains(events, bridge.EventDown)
	})
	seen := map[string]string{
		"the log": raw, "the log of Caddy's events": events, "the admin API": testsite.Fetch(t, "http://"+addr+"/sse_bridge/feeds"),
		"the metrics": testsite.Fetch(t, "http://"+addr+"/metrics"), "the page's stream": watching.Next().Data,
	}
	for where, text := range seen {
		if !strings.Contains(text, "sse_bridge") && !strings.Contains(text, "/private") {
			t.Errorf("%s has nothing of the bridge: %s", where, text)
		}
		if i := strings.Index(text, "s3cret"); i >= 0 {
			t.Errorf("%s holds a secret: …%s…", where, text[max(0, i-100):min(len(text), i+60)])
		}
	}
}
