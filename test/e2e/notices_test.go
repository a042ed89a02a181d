package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// User-Agents, of which only the first two are those of browsers that keep what a connection was cut off in.
var userAgents = map[string]bool{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                                  true,
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/137.0 Mobile/15E148 Safari/604.1": true,
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36":                                  false,
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/137.0.0.0 Safari/537.36":                          false,
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/5.15.13 Chrome/87.0.4280.144 Safari/537.36":          false,
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                 false,
	"curl/7.88.1": false,
	"":            false,
}

// begins returns what a stream begins with, up to and without some text.
func begins(t *testing.T, url, until string, header ...string) string {
	t.Helper()
	stream, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		stream.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	for part := make([]byte, 1); ; {
		if _, err := io.ReadFull(resp.Body, part); err != nil {
			t.Fatalf("reading the stream after %q: %v", text.String(), err)
		}
		text.Write(part)
		if begin, ok := strings.CutSuffix(text.String(), until); ok {
			_, begin, _ = strings.Cut(begin, "\n") // without the line that has a random time
			return begin
		}
	}
}

func TestAStreamThatResumesSaysSoToThoseWhoNeedIt(t *testing.T) {
	c := testsite.NewChat(0)
	c.Say("one", "two", "three")
	addr := testsite.Backend(t, c.ServeHTTP)
	plain := testsite.Run(t, testsite.ChatSite(addr))
	const start = "event: bridge.start\ndata: {}\nid: 2\n\n"
	for agent, needs := range userAgents {
		want := ""
		if needs {
			want = start
		}
		if got := begins(t, plain.URL+"/messages", "data: three", "User-Agent", agent, "Last-Event-ID", "2"); got != want {
			t.Errorf("%s resumes, and its stream begins with %q", agent, got)
		}
		if got := begins(t, plain.URL+"/messages", "data: one", "User-Agent", agent); got != "" {
			t.Errorf("%s is new, and its stream begins with %q", agent, got)
		}
	}
	plain.Reload(testsite.ChatSite(addr, "notices start"))
	if got := begins(t, plain.URL+"/messages", "data: three", "Last-Event-ID", "2"); got != start {
		t.Errorf("with `notices start`, a resumed stream begins with %q", got)
	}
	if got := begins(t, plain.URL+"/messages?lastEventId=2", "data: three"); got != start {
		t.Errorf("with the id in the query, it begins with %q", got)
	}
	if got := begins(t, plain.URL+"/messages", "data: one"); got != "" {
		t.Errorf("the stream of a newcomer begins with %q", got)
	}
	const unfit = "event: bridge.start\ndata: {}\n\nevent: bridge.reset"
	if got := begins(t, plain.URL+"/messages?lastEventId="+url.QueryEscape("2\nevent: evil"), "event: bridge.reset"); got+"event: bridge.reset" != unfit {
		t.Errorf("with an id of two lines, it begins with %q", got)
	}
}

func TestAClientThatIsTurnedAwayIsToldWhereItStands(t *testing.T) {
	addr, _ := testsite.Hanging(t)
	s := testsite.Run(t, testsite.BridgeSite(addr, "long_poll", "notices start", "limits {\nclients 1\n}"))
	testsite.Subscribe(t, s.URL)
	if got, want := begins(t, s.URL, `{"reason":"limit"}`, "Last-Event-ID", "7"), "event: bridge.start\ndata: {}\nid: 7\n\nevent: bridge.busy\ndata: "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// ending is a backend that says of its second item that nothing follows.
func ending(t *testing.T, first string) string {
	return testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("since") {
		case "":
			io.WriteString(w, first)
		default:
			io.WriteString(w, `{"next":"9","over":true}`)
		}
	})
}

func TestClientsAreToldThatNothingWillFollow(t *testing.T) {
	for _, c := range []struct {
		name, first string
		notices     bool
		want        string // the events of a newcomer; empty: no stream
	}{
		{"after an event", `{"items":["one"],"next":"8"}`, true, "one|8 bridge.end{}"},
		{"with it", `{"items":["one"],"next":"8","over":true}`, true, "one|8 bridge.end{}"},
		{"at once", `{"next":"8","over":true}`, true, "bridge.end{}|8"},
		{"at once, and without a position", `{"over":true}`, true, ""},
		{"who do not ask", `{"items":["one"],"next":"8"}`, false, "one|8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := []string{"interval 20ms", "items items", "cursor next", "query since {sse.cursor}", "end over", "retry 20ms"}
			if c.notices {
				lines = append(lines, "notices end")
			}
			s := testsite.Run(t, testsite.BridgeSite(ending(t, c.first), lines...))
			if c.want == "" {
				if resp, _ := testsite.Do(t, http.MethodGet, s.URL, "", "Accept", "text/event-stream"); resp.StatusCode != http.StatusNoContent {
					t.Errorf("status %d", resp.StatusCode)
				}
				return
			}
			stream := testsite.Subscribe(t, s.URL)
			var got []string
			id := ""
			for range strings.FieldsSeq(c.want) {
				e := stream.Next()
				text := e.Data
				if e.Type != "message" {
					text = e.Type + text
				}
				if e.ID != "" && e.ID != id {
					id = e.ID
					text += "|" + id
				}
				got = append(got, text)
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
			stream.Ended()
			if resp, _ := testsite.Do(t, http.MethodGet, s.URL, "", "Accept", "text/event-stream", "Last-Event-ID", id); resp.StatusCode != http.StatusNoContent {
				t.Errorf("after the end, a client that comes back gets status %d", resp.StatusCode)
			}
		})
	}
}
