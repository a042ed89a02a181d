package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// quickRun is a `caddy sse-bridge quick` that runs.
type quickRun struct {
	t      *testing.T
	page   string // its URL
	output *testsite.LockedBuffer
	finish func() // interrupts it, as Ctrl-C does, and waits for its end
}

var pageURL = regexp.MustCompile(`page +(http://\S+/)\n`)

// runQuick runs `caddy sse-bridge quick` on any free port.
func runQuick(t *testing.T, args ...string) *quickRun {
	t.Helper()
	cmd := caddyCommand(t, append([]string{"sse-bridge", "quick", "--listen", "127.0.0.1:0"}, args...)...)
	q := &quickRun{t: t, output: new(testsite.LockedBuffer)}
	cmd.Stdout, cmd.Stderr = q.output, q.output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	q.finish = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v\n%s", err, q.output)
		}
	})
	t.Cleanup(q.finish)
	testsite.Eventually(t, "the URL of the page", func() bool {
		m := pageURL.FindStringSubmatch(q.output.String())
		if m != nil {
			q.page = m[1]
		}
		return m != nil
	})
	return q
}

// post sends JSON as the page does, and returns the status and the answer.
func (q *quickRun) post(path string, what map[string]string) (int, string) {
	q.t.Helper()
	body, err := json.Marshal(what)
	if err != nil {
		q.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(q.t.Context(), http.MethodPost, q.page+path, bytes.NewReader(body))
	if err != nil {
		q.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", strings.TrimSuffix(q.page[:strings.LastIndex(strings.TrimSuffix(q.page, "/"), "/")], "/"))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		q.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		q.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// watched is what the page is told, until that has a text.
func (q *quickRun) watched(until string) string {
	q.t.Helper()
	resp, err := http.Get(q.page + "watch")
	if err != nil {
		q.t.Fatal(err)
	}
	defer resp.Body.Close()
	var all strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(all.String(), until) {
		n, err := resp.Body.Read(buffer)
		all.Write(buffer[:n])
		if err != nil {
			q.t.Fatalf("before %q came: %v\n%s", until, err, &all)
		}
	}
	return all.String()
}

// queries are the requests that a backend has got.
type queries struct {
	sync.Mutex
	all []*http.Request
}

func (q *queries) add(r *http.Request) {
	q.Lock()
	defer q.Unlock()
	q.all = append(q.all, r.Clone(r.Context()))
}

func (q *queries) has(is func(*http.Request) bool) bool {
	q.Lock()
	defer q.Unlock()
	return slices.ContainsFunc(q.all, is)
}

// quickBackend is a backend of messages, each with an id, which wants a key.
func quickBackend(t *testing.T) (string, *queries) {
	t.Helper()
	asked := new(queries)
	return testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		if r.Header.Get("X-Chat-Thing") != "abc-42" || r.FormValue("token") != "url-secret" {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		text := `{"messages":[{"id":1,"text":"one"},{"id":2,"text":"two"},{"id":3,"text":"three"}],"now":7}`
		if testsite.QueryNumber(r, "lastId", 0) >= 2 {
			text = `{"messages":[{"id":3,"text":"three"}],"now":7}`
		}
		if testsite.QueryNumber(r, "lastId", 0) >= 3 {
			text = `{"messages":[],"now":7}`
		}
		testsite.WriteAs(w, "application/json", text)
	}), asked
}

func TestQuickServesAnEndpointAsAStream(t *testing.T) {
	t.Parallel()
	backend, asked := quickBackend(t)
	q := runQuick(t, "http://"+backend+"/messages?token=url-secret", "-H", "X-Chat-Thing: abc-42")
	told := q.watched("lastId {sse.cursor}")
	told += q.watched("3 events")
	for _, has := range []string{"query token {env.TOKEN}", "header_up X-Chat-Thing {env.X_CHAT_THING}", "items messages", `X-Chat-Thing: ***`, "token=***"} {
		if !strings.Contains(told, has) {
			t.Errorf("the page is not told %q:\n%s", has, told)
		}
	}
	resp, err := http.Get(q.page + "stream?lastId=0")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := make([]byte, 4096)
	n, err := io.ReadAtLeast(resp.Body, got, 60)
	if err != nil || !strings.Contains(string(got[:n]), `data: {"id":1,"text":"one"}`) {
		t.Errorf("the stream has %q, %v", got[:n], err)
	}
	for _, secret := range []string{"abc-42", "url-secret"} {
		if all := told + q.output.String(); strings.Contains(all, secret) {
			t.Errorf("%q is shown:\n%s", secret, all)
		}
	}
	q.finish()
	if asked.has(func(r *http.Request) bool { return r.Header.Get("Cookie") != "" }) {
		t.Error("the backend has got a cookie")
	}
}

func TestQuickSendsNoCookiesOfItsHost(t *testing.T) {
	t.Parallel()
	asked := new(queries)
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.add(r)
		testsite.WriteAs(w, "application/json", `{"up":true}`)
	})
	q := runQuick(t, "http://"+backend+"/state")
	if status, said := q.post("block", map[string]string{"block": "sse_bridge /state " + backend}); status != http.StatusNoContent { // which sends them
		t.Fatalf("status %d: %s", status, said)
	}
	q.watched(`"revision":`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, q.page+"stream?mine", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "other_app=secret")
	r.Header.Set("Authorization", "Bearer other")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	testsite.Eventually(t, "the client's poll", func() bool {
		return asked.has(func(r *http.Request) bool { return r.URL.RawQuery == "mine" })
	})
	if asked.has(func(r *http.Request) bool {
		return r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != ""
	}) {
		t.Error("the backend has got what a browser sends to all servers of this host")
	}
}

func TestQuickRunsTheBlockThatIsWritten(t *testing.T) {
	t.Parallel()
	backend, asked := quickBackend(t)
	q := runQuick(t, "http://"+backend+"/messages?token=url-secret", "-H", "X-Chat-Thing: abc-42")
	q.watched("lastId {sse.cursor}")
	const block = "sse_bridge /messages BACKEND {\n\tquery token {env.TOKEN}\n\theader_up X-Chat-Thing {env.X_CHAT_THING}\n\tquery mine yes\n\tWRONG\n}\n"
	write := func(wrong string) (int, string) {
		return q.post("block", map[string]string{"block": strings.NewReplacer("BACKEND", backend, "WRONG", wrong).Replace(block)})
	}
	if status, said := write("itmes messages"); status != http.StatusUnprocessableEntity || !strings.HasPrefix(said, `{"line":5,"error":"unrecognized subdirective`) {
		t.Errorf("status %d: %s", status, said)
	}
	if status, said := q.post("block", map[string]string{"block": "sse_bridge /messages 127.0.0.1:1"}); status != http.StatusUnprocessableEntity || !strings.Contains(said, "only polls http://"+backend) {
		t.Errorf("status %d: %s", status, said)
	}
	const unloadable = "sse_bridge /messages {\n\tupstream {\n\t\t@x path_regexp ((\n\t\trewrite @x /y\n\t\treverse_proxy BACKEND\n\t}\n}\n"
	if status, said := q.post("block", map[string]string{"block": strings.ReplaceAll(unloadable, "BACKEND", backend)}); status != http.StatusUnprocessableEntity ||
		!strings.HasPrefix(said, `{"error":"setting up the block: setting up the upstream: `) {
		t.Errorf("status %d: %s", status, said)
	}
	if told := q.watched("lastId {sse.cursor}"); !strings.Contains(told, `"revision":2`) {
		t.Errorf("what was running does not go on: %s", told)
	}
	if status, said := write("interval 1s"); status != http.StatusNoContent {
		t.Fatalf("status %d: %s", status, said)
	}
	testsite.Eventually(t, "its polls", func() bool {
		return asked.has(func(r *http.Request) bool { return r.FormValue("mine") == "yes" })
	})
	if status, said := write("# the same\n\tinterval 1s"); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, said)
	}
	if status, said := q.post("choose", map[string]string{"block": strings.NewReplacer("BACKEND", backend, "WRONG", "").Replace(block), "role": "items", "path": "messages"}); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, said)
	}
	q.watched(`items messages\n\t# each item`)
}

func TestQuickPollsWithTheRequestThatIsGiven(t *testing.T) {
	t.Parallel()
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(body) != `{"method":"list","password":"body-secret"}` {
			http.Error(w, "what?", http.StatusBadRequest)
			return
		}
		testsite.WriteAs(w, "application/json", `{"result":"well asked"}`)
	})
	q := runQuick(t, "http://"+backend+"/rpc", "--body", `{"method":"list","password":"body-secret"}`)
	q.watched("well asked")
	if told := q.watched("{env.PASSWORD}"); strings.Contains(told, "body-secret") {
		t.Errorf("%s", told)
	}
}

func TestQuickEndsWithNothingLeft(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		if r.Header.Get("Cache-Control") == "no-cache" { // a poll of the bridge
			select {
			case gone <- struct{}{}:
			default:
			}
		}
	})
	q := runQuick(t, "http://"+backend+"/events")
	q.watched("hello")
	resp, err := http.Get(q.page + "stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	go q.finish()
	<-gone
	_, _ = io.ReadAll(resp.Body) // it ends, whether in order or not
}

func TestQuickRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "the URL is missing"},
		{[]string{"http://127.0.0.1:1/a", "b"}, `unexpected argument "b"`},
		{[]string{"127.0.0.1:1/a"}, "is not a URL"},
		{[]string{"http://127.0.0.1:1/a", "--listen", ":8888"}, "--listen: \":8888\" is not an address of this machine alone"},
		{[]string{"http://127.0.0.1:1/a", "--listen", "0.0.0.0:8888"}, "is not an address of this machine alone"},
		{[]string{"http://127.0.0.1:1/a", "-H", "nothing"}, `-H: "nothing" is not a header field`},
		{[]string{"http://127.0.0.1:1/a", "-H", "Home: x"}, "the environment has another HOME"},
		{[]string{"http://127.0.0.1:1/a", "--lisen", "x"}, "did you mean --listen?"},
	} {
		cmd := caddyCommand(t, append([]string{"sse-bridge", "quick"}, c.args...)...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %v\n%s\ninstead of %q", c.args, err, out, c.want)
		}
	}
}

func TestQuickSaysOnTheTerminalWhatIsWrong(t *testing.T) {
	t.Parallel()
	addr := testport.Free(t)
	q := runQuick(t, "http://"+addr+"/messages")
	testsite.Eventually(t, "what is wrong", func() bool {
		return strings.Contains(q.output.String(), "# asking "+addr) && strings.Contains(q.output.String(), "nothing listens there")
	})
}
