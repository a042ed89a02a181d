package quick

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
)

// site is a site that runs any block but those with the word "wrong". One that "refuses" a status has no stream.
type site struct {
	mu     sync.Mutex
	blocks []string
	told   func(Poll)
}

func (s *site) Run(block string, told func(Poll)) (http.Handler, error) {
	if strings.Contains(block, "wrong") {
		return nil, &BlockError{Line: 2, Err: errors.New("wrong is unknown")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks, s.told = append(s.blocks, block), told
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, status, refuses := strings.Cut(block, "refuses "); refuses {
			code, _ := strconv.Atoi(status)
			w.Header().Set("WWW-Authenticate", "Mine")
			w.WriteHeader(code)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: of %q after %q\n\n", block, r.Header.Get("Last-Event-ID"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}), nil
}

func (s *site) ran() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocks
}

func (s *site) poll(p Poll) {
	s.mu.Lock()
	told := s.told
	s.mu.Unlock()
	told(p)
}

const (
	guess     = "sse_bridge /m 127.0.0.1:9 {\n\tinterval 2s\n}\n"
	suggested = "sse_bridge /m 127.0.0.1:9 {\n\titems list\n\tid id\n}\n"
)

// served is a server that runs.
type served struct {
	*Server
	site    *site
	address string
	finish  chan struct{} // closed to let the examination end
}

// serve starts a server. Its examination ends when the test says so.
func serve(t *testing.T, examined func() (string, error)) *served {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{site: new(site), address: l.Addr().String(), finish: make(chan struct{})}
	s.Server = New(Options{
		Target: &url.URL{Scheme: "http", Host: "127.0.0.1:9", Path: "/m"}, Site: s.site,
		Guess: func(context.Context) (string, error) { return guess, nil },
		Examine: func(ctx context.Context, say func(string)) (string, error) {
			say("it takes its time")
			select {
			case <-s.finish:
				return examined()
			case <-ctx.Done():
				return "", ctx.Err()
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func suggests(block string) func() (string, error) {
	return func() (string, error) { return block, nil }
}

// request makes a request of the server's own page, for what is below its token.
func (s *served) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testsite.Patience)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+s.Path()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Origin", "http://"+s.address)
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// watcher is a page that is open.
type watcher struct {
	t    *testing.T
	text *bufio.Scanner
}

func (s *served) watch(t *testing.T) *watcher {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(s.request(t, http.MethodGet, "watch", ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	text := bufio.NewScanner(resp.Body)
	text.Buffer(nil, 1<<20)
	return &watcher{t, text}
}

// until reads until an event of a kind is as it should be.
func (w *watcher) until(kind string, is func(data string) bool) {
	w.t.Helper()
	at := ""
	for w.text.Scan() {
		name, data, _ := strings.Cut(w.text.Text(), ": ")
		switch name {
		case "event":
			at = data
		case "data":
			if at == kind && is(data) {
				return
			}
		}
	}
	w.t.Fatalf("the page is not told: %v", w.text.Err())
}

// state reads until the state is as it should be.
func (w *watcher) state(is func(state) bool) {
	w.t.Helper()
	w.until("state", func(data string) bool {
		var now state
		if err := json.Unmarshal([]byte(data), &now); err != nil {
			w.t.Fatal(err)
		}
		return is(now)
	})
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "127.0.0.1:x", ""} {
		if l, err := Listen(t.Context(), address); err == nil {
			l.Close()
			t.Errorf("%q is listened on", address)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		l, err := Listen(t.Context(), address)
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		l.Close()
	}
}

func TestOnlyItsOwnHostIsAnswered(t *testing.T) {
	s := serve(t, suggests(suggested))
	_, port, _ := net.SplitHostPort(s.address)
	for host, status := range map[string]int{
		s.address: 200, "localhost:" + port: 200,
		"attacker.example": 421, "attacker.example:" + port: 421, "127.0.0.1": 421, "": 200, // the client writes the address then
	} {
		for _, path := range []string{"", "page.js"} {
			r := s.request(t, http.MethodGet, path, "")
			r.Host = host
			if resp, _ := do(t, r); resp.StatusCode != status {
				t.Errorf("Host %q, %q: status %d, not %d", host, path, resp.StatusCode, status)
			}
		}
	}
}

func TestBrowsersLeavePort80Out(t *testing.T) {
	for at, want := range map[string][]string{
		"127.0.0.1:80":   {"127.0.0.1:80", "localhost:80", "127.0.0.1", "localhost"},
		"[::1]:80":       {"[::1]:80", "localhost:80", "[::1]", "localhost"},
		"127.0.0.1:8080": {"127.0.0.1:8080", "localhost:8080"},
	} {
		if got := hostsOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))); !slices.Equal(got, want) {
			t.Errorf("at %s: %q, not %q", at, got, want)
		}
	}
}

func TestNothingIsServedWithoutTheToken(t *testing.T) {
	s := serve(t, suggests(suggested))
	for _, path := range []string{"", "stream", "watch", "page.js", "x/stream", s.token[1:] + "/", s.token + "x/stream", "x" + s.Path()} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := s.request(t, method, "", "{}")
			r.URL.Path = "/" + path
			if resp, body := do(t, r); resp.StatusCode != http.StatusNotFound || strings.Contains(body, s.token) {
				t.Errorf("%s /%s: status %d, %q", method, path, resp.StatusCode, body)
			}
		}
	}
}

func TestOnlyThePageItselfChangesTheBlock(t *testing.T) {
	s := serve(t, suggests(suggested))
	s.watch(t).state(func(now state) bool { return now.Revision == 1 })
	_, port, _ := net.SplitHostPort(s.address)
	for name, change := range map[string]func(*http.Request){
		"no origin":          func(r *http.Request) { r.Header.Del("Origin") },
		"another origin":     func(r *http.Request) { r.Header.Set("Origin", "http://attacker.example") },
		"another port":       func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"another scheme":     func(r *http.Request) { r.Header.Set("Origin", "https://"+s.address) },
		"another name of it": func(r *http.Request) { r.Header.Set("Origin", "http://localhost:"+port) },
		"an opaque origin":   func(r *http.Request) { r.Header.Set("Origin", "null") },
		"a form's type":      func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
	} {
		for _, path := range []string{"block", "choose", "examine"} {
			r := s.request(t, http.MethodPost, path, `{"block":"sse_bridge /other"}`)
			change(r)
			if resp, _ := do(t, r); resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s: status %d", name, path, resp.StatusCode)
			}
		}
	}
	if ran := s.site.ran(); len(ran) != 1 {
		t.Errorf("blocks ran: %q", ran)
	}
}

func TestAnswersLoadAndRunNothingElse(t *testing.T) {
	s := serve(t, suggests(suggested))
	for _, path := range []string{"", "page.js", "style.css"} {
		resp, _ := do(t, s.request(t, http.MethodGet, path, ""))
		policy := resp.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%q: the policy %q lacks %q", path, policy, part)
			}
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Referrer-Policy") != "same-origin" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %v", path, resp.Header)
		}
	}
}

func TestTheSuggestionReplacesTheGuess(t *testing.T) {
	s := serve(t, suggests(suggested))
	page := s.watch(t)
	page.state(func(now state) bool { return now.Block == guess && now.Examining && now.Said == "it takes its time" })
	close(s.finish)
	page.state(func(now state) bool {
		return now.Block == suggested && now.Revision == 2 && !now.Examining && now.Suggestion == suggested && now.Chosen["items"][0] == "list"
	})
}

func TestTheSuggestionDoesNotReplaceWhatSomebodyHasWritten(t *testing.T) {
	s := serve(t, suggests(suggested))
	page := s.watch(t)
	page.state(func(now state) bool { return now.Revision == 1 && now.Examining })
	const written = "sse_bridge /m 127.0.0.1:9\n"
	body, _ := json.Marshal(map[string]string{"block": written})
	if resp, said := do(t, s.request(t, http.MethodPost, "block", string(body))); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d: %s", resp.StatusCode, said)
	}
	close(s.finish)
	page.state(func(now state) bool {
		return now.Block == written && now.Revision == 2 && !now.Examining && now.Suggestion == suggested
	})
}

func TestAnEndpointThatCannotBeExaminedSaysWhy(t *testing.T) {
	s := serve(t, func() (string, error) { return "", errors.New("nothing listens there") })
	page := s.watch(t)
	close(s.finish)
	page.state(func(now state) bool {
		return now.Trouble == "nothing listens there" && now.Block == guess && !now.Examining
	})
}

func TestWhatTheExaminationSaidEndsWithTheBlock(t *testing.T) {
	s := serve(t, func() (string, error) { return "", errors.New("it wants another method") })
	page := s.watch(t)
	close(s.finish)
	page.state(func(now state) bool { return now.Trouble != "" })
	if err := s.apply(suggested, false, "as it was written here"); err != nil {
		t.Fatal(err)
	}
	page.state(func(now state) bool { return now.Block == suggested && now.Trouble == "" })
}

func TestAnEndpointIsExaminedAgainWhenAsked(t *testing.T) {
	answers := make(chan string, 2)
	answers <- suggested
	answers <- "sse_bridge /other"
	s := serve(t, func() (string, error) { return <-answers, nil })
	page := s.watch(t)
	close(s.finish)
	page.state(func(now state) bool { return now.Suggestion == suggested && !now.Examining })
	if resp, _ := do(t, s.request(t, http.MethodPost, "examine", "{}")); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d", resp.StatusCode)
	}
	page.state(func(now state) bool { return now.Suggestion == "sse_bridge /other" && now.Block == suggested })
}

func TestAnEndpointIsExaminedOnceAtATime(t *testing.T) {
	var asked atomic.Int32
	s := serve(t, func() (string, error) {
		asked.Add(1)
		return suggested, nil
	})
	page := s.watch(t)
	page.state(func(now state) bool { return now.Examining })
	for range 10 {
		if resp, _ := do(t, s.request(t, http.MethodPost, "examine", "{}")); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	close(s.finish)
	page.state(func(now state) bool { return now.Suggestion == suggested && !now.Examining })
	if n := asked.Load(); n != 1 {
		t.Errorf("it is examined %d times", n)
	}
}

func TestABackendThatStartsLaterIsExaminedThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, runs := time.Now(), new(site)
		s := New(Options{
			Target: new(url.URL), Site: runs,
			Guess: func(context.Context) (string, error) { return guess, nil },
			Examine: func(context.Context, func(string)) (string, error) {
				if time.Since(start) < time.Minute {
					return "", errors.New("nothing listens there")
				}
				return suggested, nil
			},
		})
		s.look(t.Context())
		if took := time.Since(start); took > 2*time.Minute || len(runs.ran()) != 2 {
			t.Errorf("after %s, these ran: %q", took, runs.ran())
		}
	})
}

func TestAWrongBlockLeavesTheOneBeforeRunning(t *testing.T) {
	s := serve(t, suggests(suggested))
	s.watch(t).state(func(now state) bool { return now.Revision == 1 })
	resp, body := do(t, s.request(t, http.MethodPost, "block", `{"block":"sse_bridge /m {\n\twrong\n}\n"}`))
	if resp.StatusCode != http.StatusUnprocessableEntity || strings.TrimSpace(body) != `{"line":2,"error":"wrong is unknown"}` {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	s.watch(t).state(func(now state) bool { return now.Revision == 1 && now.Block == guess })
	for _, body := range []string{"", "{", `{"block":7}`, `{"block":"` + strings.Repeat("x", maxPosted) + `"}`} {
		if resp, _ := do(t, s.request(t, http.MethodPost, "block", body)); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%.20q: status %d", body, resp.StatusCode)
		}
	}
}

// stream is the response of the server's stream, which reads until a text has come.
func (s *served) stream(t *testing.T) (resp *http.Response, until func(text string)) {
	t.Helper()
	r := s.request(t, http.MethodGet, "stream", "")
	r.Header.Set("Last-Event-ID", "7")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	from := bufio.NewReader(resp.Body)
	return resp, func(text string) {
		t.Helper()
		got := make([]byte, len(text))
		if n, err := io.ReadFull(from, got); err != nil || string(got) != text {
			t.Fatalf("the stream has %q, %v, instead of %q", got[:n], err, text)
		}
	}
}

func TestAStreamGoesOnWithTheNextBlock(t *testing.T) {
	s := serve(t, suggests(suggested))
	s.watch(t).state(func(now state) bool { return now.Revision == 1 })
	resp, until := s.stream(t)
	until(fmt.Sprintf("data: of %q after \"7\"\n\n", guess))
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("it has the type %s", kind)
	}
	close(s.finish)
	until(fmt.Sprintf(": the block has changed\nid:\n\ndata: of %q after \"\"\n\n", suggested))
	if err := s.apply("refuses 401", false, ""); err != nil {
		t.Fatal(err)
	}
	until(": the block has changed\nid:\n\n: 401 Unauthorized\n\n")
	if err := s.apply(guess, false, ""); err != nil {
		t.Fatal(err)
	}
	until(fmt.Sprintf(": the block has changed\nid:\n\ndata: of %q after \"\"\n\n", guess))
}

func TestAStreamThatIsRefusedSaysWhy(t *testing.T) {
	s := serve(t, suggests(suggested))
	s.watch(t).state(func(now state) bool { return now.Revision == 1 })
	if err := s.apply("refuses 405", false, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"405 Method Not Allowed\n", "405 Method Not Allowed: status 405: use POST\n"} {
		resp, got := do(t, s.request(t, http.MethodGet, "stream", ""))
		if resp.StatusCode != http.StatusMethodNotAllowed || got != want || resp.Header.Get("Www-Authenticate") != "Mine" {
			t.Errorf("%d %v %q instead of %q", resp.StatusCode, resp.Header, got, want)
		}
		s.site.poll(Poll{Report: &trial.Report{Poll: 1, Error: "status 405", Hint: "use POST"}})
	}
}

func TestAPageShowsThePollsAndTheAnswer(t *testing.T) {
	s := serve(t, suggests(suggested))
	s.watch(t).state(func(now state) bool { return now.Revision == 1 })
	s.site.poll(Poll{
		Report: &trial.Report{Poll: 1, Events: []trial.Event{{ID: "7", Data: "<b>"}}, Exchanges: []trial.Exchange{{
			Request: trial.Request{Method: "GET", URL: "http://127.0.0.1:9/m"}, Answer: &trial.Answer{Status: 200},
		}}},
		Answer: []byte(`{"list":[{"id":7}]}`),
	})
	s.site.poll(Poll{Report: &trial.Report{Poll: 2, Error: "broken", Hint: "mend it"}})
	page := s.watch(t) // it is opened later
	page.until("poll", func(data string) bool {
		return strings.Contains(data, `"title":"Poll 1: 200 OK, 1 event"`) && strings.Contains(data, `GET http://127.0.0.1:9/m\n`) && strings.Contains(data, `"bad":false`)
	})
	page.until("poll", func(data string) bool {
		return strings.Contains(data, `"title":"Poll 2: failed"`) && strings.Contains(data, `"bad":true`)
	})
	page.until("answer", func(data string) bool {
		return strings.Contains(data, `"path":"id","list":"list","kind":"scalar","text":"7"`)
	})
}

func TestAnAnswerWithoutPartsIsToldOnce(t *testing.T) {
	s := New(Options{Target: new(url.URL)})
	answered := func() int { _, had := s.shown.since(seen{}); return had.answers }
	text := &trial.Report{Exchanges: []trial.Exchange{{Answer: &trial.Answer{Status: 200, Size: 5}}}}
	for i, c := range []struct {
		poll Poll
		want int
	}{
		{Poll{Report: &trial.Report{Exchanges: []trial.Exchange{{Answer: &trial.Answer{Status: 204}}}}}, 0},
		{Poll{Report: &trial.Report{Error: "broken", Exchanges: text.Exchanges}}, 0},
		{Poll{Report: text}, 1},
		{Poll{Report: text}, 1},
		{Poll{Report: text, Answer: []byte(`{"a":1}`)}, 2},
		{Poll{Report: text, Answer: []byte(`{"a":1}`)}, 2},
		{Poll{Report: text, Answer: []byte(`"` + strings.Repeat("x", maxAnswer) + `"`)}, 3},
	} {
		if s.told(1, c.poll); answered() != c.want {
			t.Errorf("after poll %d, %d answers were told, not %d", i, answered(), c.want)
		}
	}
}

func TestALatePageShowsTheNewestPolls(t *testing.T) {
	b := newBoard()
	for i := range 3 * keptPolls {
		b.poll(shownPoll{Title: strconv.Itoa(i)})
	}
	n, had := b.since(seen{})
	if len(n.polls) != keptPolls || n.polls[0].Title != strconv.Itoa(2*keptPolls) {
		t.Errorf("%d polls, from %v", len(n.polls), n.polls[0].Title)
	}
	b.poll(shownPoll{Title: "last"})
	if n, _ := b.since(had); len(n.polls) != 1 || n.polls[0].Title != "last" {
		t.Errorf("%v", n.polls)
	}
}
