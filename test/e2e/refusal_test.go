package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// refusing answers with the status that the path names.
func refusing(w http.ResponseWriter, r *http.Request) {
	status, err := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
	if err != nil {
		status = 500
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="a"`)
	w.Header().Set("Set-Cookie", "sid=1")
	if status/100 == 3 {
		w.Header().Set("Location", "https://login.example.com/?next=%2F")
	}
	w.WriteHeader(status)
	io.WriteString(w, "a secret")
}

func TestARefusalAtFirstContactIsTheClients(t *testing.T) {
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, refusing)))
	for _, status := range []int{301, 302, 303, 307, 400, 401, 403, 404, 410, 451} {
		stream := testsite.Subscribe(t, s.URL+"/"+strconv.Itoa(status))
		got := stream.Response
		if got.StatusCode != status || got.Header.Get("WWW-Authenticate") != `Bearer realm="a"` || got.Header.Get("Vary") != "Accept" {
			t.Errorf("got %s %v, want %d", got.Status, got.Header, status)
		}
		if location := got.Header.Get("Location"); (location == "https://login.example.com/?next=%2F") != (status/100 == 3) {
			t.Errorf("%d: Location: %q", status, location)
		}
		if got.Header.Get("Set-Cookie") != "" || got.Header.Get("Content-Type") == "text/event-stream" {
			t.Errorf("%d: got %v", status, got.Header)
		}
		stream.Ended()
	}
}

func TestARefusalGoesThroughHandleErrors(t *testing.T) {
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+testsite.Backend(t, refusing)+"\n\thandle_errors {\n\t\trespond \"sorry, {err.status_code}\"\n\t}\n}")
	resp, body := testsite.Do(t, "GET", s.URL+"/401", "", "Accept", "text/event-stream")
	if resp.StatusCode != 401 || body != "sorry, 401" || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("got %s %q", resp.Status, body)
	}
}

func TestFailuresAtFirstContactAreNoRefusals(t *testing.T) {
	s := testsite.Run(t, testsite.BridgeSite(testsite.Backend(t, refusing)))
	for _, status := range []int{409, 425, 429, 500, 503} {
		stream := testsite.Subscribe(t, s.URL+"/"+strconv.Itoa(status))
		if stream.Response.StatusCode != 200 {
			t.Errorf("%d: got %s, which closes an EventSource for good", status, stream.Response.Status)
		}
		stream.HasComment("status " + strconv.Itoa(status))
		stream.Close()
	}
}

// Two refusals running would end the stream for good.
func TestALimitThatIsSpentEndsNoStream(t *testing.T) {
	limited := map[string]func(h http.Header){
		"/retry-after": func(h http.Header) { h.Set("Retry-After", "1") },
		"/remaining": func(h http.Header) {
			h.Set("X-RateLimit-Remaining", "0")
			h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Unix()+1, 10))
		},
	}
	backends := map[string]*sometimes{}
	var blocks strings.Builder
	for path := range limited {
		backends[path] = &sometimes{chat: testsite.NewChat(0)}
		backends[path].chat.Say("one")
		fmt.Fprintf(&blocks, "\tsse_bridge %s %s {\n\t\tinterval 50ms\n\t\titems messages\n\t\tid id\n\t\tdata text\n\t\tquery lastId {sse.cursor}\n\t}\n", path, testsite.Backend(t, backends[path].ServeHTTP))
	}
	s := testsite.Run(t, "{{site}} {\n"+blocks.String()+"}\n")
	for path, limit := range limited {
		stream := testsite.Subscribe(t, s.URL+path)
		stream.Want("one|1")
		answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			limit(w.Header())
			w.WriteHeader(http.StatusForbidden)
		})
		backends[path].answer.Store(&answer)
		backends[path].chat.Say("two")
		stream.HasComment("status 403")
		testsite.Eventually(t, "three polls", func() bool { return backends[path].polls.Load() >= 3 })
		newcomer := testsite.Subscribe(t, s.URL+path)
		backends[path].answer.Store(nil)
		stream.Want("two|2")
		newcomer.Want("one|1", "two|2")
		if newcomer.Response.StatusCode != http.StatusOK {
			t.Errorf("%s: a newcomer got %s", path, newcomer.Response.Status)
		}
	}
}

func TestRedirectsAtTheSameOriginAreFollowed(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request := fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, body, r.Header.Get("Cookie"))
		mu.Lock()
		seen = append(seen, request)
		mu.Unlock()
		to := map[string]string{
			"/1": "/2?x=1", "/2": "3", "/3": "http://" + strings.ToUpper(r.Host) + "/4/5", "/4/5": "../6?a=%2F", "/6": "//" + r.Host + "/end",
			"/loop": "/loop", "/six": "/1", "/307": "/end", "/set": "/set/read", "/port": "http://" + r.Host + "1/end", "/scheme": "https://" + r.Host + "/end",
		}[r.URL.Path]
		switch {
		case r.URL.Path == "/307":
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		case to != "":
			if r.URL.Path == "/set" {
				http.SetCookie(w, &http.Cookie{Name: "step", Value: "1", Path: "/set/read"})
			}
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		default:
			io.WriteString(w, request)
		}
	})
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge "+addr+" {\n\t\tformat message\n\t\tmethod POST\n\t\tbody a=1\n\t}\n}")
	for path, want := range map[string]string{
		"/1":   "GET /end  ",
		"/307": "POST /end a=1 ",
		"/set": "GET /set/read  step=1",
	} {
		stream := testsite.Subscribe(t, s.URL+path)
		if e := stream.Next(); e.Data != want {
			t.Errorf("%s led to %s, want %s", path, e.Data, want)
		}
		stream.Close()
	}
	for _, path := range []string{"/port", "/scheme"} {
		if got := testsite.Subscribe(t, s.URL+path).Response; got.StatusCode != http.StatusFound {
			t.Errorf("%s: got %s, want the redirect elsewhere", path, got.Status)
		}
	}
	mu.Lock()
	seen = nil
	mu.Unlock()
	for _, path := range []string{"/loop", "/six"} {
		stream := testsite.Subscribe(t, s.URL+path)
		if stream.Response.StatusCode != 200 {
			t.Errorf("%s: got %s", path, stream.Response.Status)
		}
		stream.HasComment("status 302")
	}
	mu.Lock()
	defer mu.Unlock()
	if all := strings.Join(seen, "\n"); !strings.Contains(all, "/6?a=") || strings.Contains(all, "/end") {
		t.Errorf("the fifth redirect is to be followed, and not the sixth:\n%s", all)
	}
}

// A backend that is reached through a rewrite of the upstream's own sees relative redirects as
// its client does.
func TestRedirectsAreRelativeToThePoll(t *testing.T) {
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inner/chat" {
			w.Header().Set("Location", "chat/")
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		io.WriteString(w, r.URL.Path)
	})
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge {\n\t\tupstream {\n\t\t\turi replace /app/ /inner/\n\t\t\treverse_proxy "+addr+"\n\t\t}\n\t}\n}")
	if e := testsite.Subscribe(t, s.URL+"/app/chat").Next(); e.Data != "/inner/chat/" {
		t.Errorf("got %+v", e)
	}
}

// clientsOf returns how many clients all bridges have.
func clientsOf(t *testing.T) (n int) {
	t.Helper()
	for _, b := range bridge.All() {
		n += int(b.Tally().Clients)
	}
	return n
}

func TestClientsOverALimitAreAskedToComeBack(t *testing.T) {
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	var bridges strings.Builder
	limits := []string{"clients", "clients_per_ip", "feeds"}
	for _, limit := range limits {
		fmt.Fprintf(&bridges, "\tsse_bridge /%s/* %s {\n\t\tretry 1s\n\t\tlimits {\n\t\t\t%[1]s 1\n\t\t}\n\t}\n", limit, addr)
	}
	s := testsite.Run(t, "{{site}} {\n"+bridges.String()+"}")
	for _, limit := range limits {
		first := testsite.Subscribe(t, s.URL+"/"+limit+"/")
		first.Want("hello")
		over := testsite.Subscribe(t, s.URL+"/"+limit+"/other")
		if over.Response.StatusCode != 200 || over.Response.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: got %s", limit, over.Response.Status)
		}
		e := over.Next()
		if ms, err := strconv.Atoi(e.Retry); e.Type != "bridge.busy" || e.Data != `{"reason":"limit"}` || e.ID != "" || err != nil || ms < 8_000 || ms > 12_000 {
			t.Errorf("%s: got %+v", limit, e)
		}
		over.Ended()
		if len(first.Events) > 0 {
			t.Errorf("%s: the client who was there got %+v", limit, first.Next())
		}
		first.Close()
		testsite.Eventually(t, "the place to be free", func() bool { return clientsOf(t) == 0 })
		again := testsite.Subscribe(t, s.URL+"/"+limit+"/other")
		again.Want("hello")
		again.Close()
		testsite.Eventually(t, "the place to be free", func() bool { return clientsOf(t) == 0 })
	}
}

func TestTheBodyOfAClientThatIsTooLargeIsRefused(t *testing.T) {
	addr, polls := testsite.Hanging(t)
	s := testsite.Run(t, testsite.BridgeSite(addr, "long_poll"))
	resp, _ := testsite.Do(t, "POST", s.URL, strings.Repeat("a", 2<<20), "Accept", "text/event-stream")
	if resp.StatusCode != http.StatusRequestEntityTooLarge || len(polls) > 0 {
		t.Errorf("got %s after %d polls", resp.Status, len(polls))
	}
	testsite.Eventually(t, "the client to be gone", func() bool { return clientsOf(t) == 0 })
}

func TestAnUpstreamThatSendsNothingGetsAnEventStreamAtMostASecondLate(t *testing.T) {
	addr, _ := testsite.Hanging(t)
	s := testsite.Run(t, testsite.BridgeSite(addr, "format message", "timeout 10m"))
	clock := testclock.New(t)
	stream := testsite.Subscribe(t, s.URL+"/") // no poll ends before the test does
	if took := clock.Now(); took > 5*time.Second {
		t.Errorf("the headers took %s", took)
	}
	stream.Close()
	s.Reload(testsite.BridgeSite(addr, "format message", "timeout 500ms", "interval 100ms"))
	testsite.Subscribe(t, s.URL+"/").HasComment("no answer in time")
}
