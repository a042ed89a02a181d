package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// tried is a backend with one answer for each way in which a trial may go.
func tried(t *testing.T) string {
	t.Helper()
	changes, orders := new(atomic.Int32), new(atomic.Int32)
	mux := http.NewServeMux()
	mux.HandleFunc("/messages", func(w http.ResponseWriter, r *http.Request) {
		if testsite.QueryNumber(r, "lastId", 0) >= 2 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		testsite.WriteAs(w, "application/json", `{"messages":[{"id":1,"type":"said","text":"hello"},{"id":2,"type":"left","text":"bye"}],"now":{"last":"2"}}`)
	})
	mux.HandleFunc("/document", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"a"`)
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"state":"up","changes":%d}`, changes.Add(1)/3))
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Remote-User", "ann") })
	mux.HandleFunc("/clock", func(w http.ResponseWriter, _ *http.Request) {
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"state":"up","now":%d,"load":{"one":%[1]d}}`, changes.Add(1)))
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		testsite.WriteAs(w, "text/html", "<html><title>Log in</title><form action=/login><input name=user><input type=\"password\" name=pw></form></html>")
	})
	mux.HandleFunc("/secret", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="chat"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
	})
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) {
		testsite.WriteAs(w, "application/json", `{"error":{"code":17,"message":"the room is closed"}}`)
	})
	mux.HandleFunc("/changes", func(w http.ResponseWriter, r *http.Request) {
		if testsite.QueryNumber(r, "since", 0) == 0 {
			testsite.WriteAs(w, "application/x-ndjson", `{"seq":1,"type":"added"}`+"\n"+`{"seq":2,"type":"gone"}`+"\n")
			return
		}
		testsite.WriteAs(w, "application/x-ndjson", `{"seq":3}`+"\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/held", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/map", func(w http.ResponseWriter, _ *http.Request) {
		testsite.WriteAs(w, "application/json", `{"rooms":{"a":{"id":1},"b":{"id":2}}}`)
	})
	mux.HandleFunc("/appended", func(w http.ResponseWriter, _ *http.Request) {
		list := `{"id":2},{"id":3}`
		if orders.Add(1) > 1 {
			list += `,{"id":4}`
		}
		testsite.WriteAs(w, "application/json", `{"orders":[`+list+`]}`)
	})
	mux.HandleFunc("/session", func(w http.ResponseWriter, _ *http.Request) {
		testsite.WriteAs(w, "application/json", `{"sid":"s-1"}`)
	})
	mux.HandleFunc("/updates", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("sid") != "s-1" || r.Method != http.MethodPost {
			http.Error(w, `{"message":"no session"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Retry-After", "7")
		testsite.WriteAs(w, "application/json", `{"items":["a","b"],"cursor":"c1","more":false}`)
	})
	return testsite.Backend(t, mux.ServeHTTP)
}

// caddyCommand is Caddy with this module, as a process of its own.
func caddyCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testsite.Patience)
	t.Cleanup(cancel)
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), testsite.AsCaddy+"=1", "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home,
		"GORACE=atexit_sleep_ms=0") // by default the race detector waits for a second at exit
	return cmd
}

// runTry runs `caddy sse-bridge try`, and returns all that it prints, with its status.
func runTry(t *testing.T, args ...string) string {
	t.Helper()
	cmd := caddyCommand(t, append([]string{"sse-bridge", "try"}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out) + fmt.Sprintf("status %d\n", cmd.ProcessState.ExitCode())
}

// What differs from run to run: where backends listen, how long answers take, and the jitter after
// errors.
var varying = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\b(in|after) [\d.]+(µs|ms|s)\n`), "$1 TIME\n"},
	{regexp.MustCompile(`\b(in|after) [\d.]+(µs|ms|s)(: it goes on|"|: if it goes on)`), "$1 TIME$3"},
	{regexp.MustCompile(`"(took|wait|after)_ms":\d+`), `"${1}_ms":0`},
	{regexp.MustCompile(`"seconds":[\d.]+`), `"seconds":0`},
	{regexp.MustCompile(`came within [\d.]+m?s`), "came within TIME"},
	{regexp.MustCompile(`(next +)(in [\d.]+(µs|ms|s)|at once): (an|interval|no|the) `), "${1}in TIME: $4 "},
}

func TestTry(t *testing.T) {
	t.Parallel()
	const url, nobody, caddyfile = "http://{{backend}}", "{{nobody}}", "{{caddyfile}}"
	const config = `{
	admin off
}
http://localhost:8080 {
	log
	handle_path /chat/* {
		sse_bridge /rooms/* {{nobody}} {
			query since {sse.cursor}
			id id
		}
		sse_bridge {{backend}} {
			query lastId {sse.cursor}
			items messages
			id id
			event type
			data text
			header_up X-Api-Key 17
			header_up X-Site {host}
		}
	}
	handle_path /private/* {
		forward_auth {{backend}} {
			uri /auth
			copy_headers Remote-User
		}
		sse_bridge {{backend}}
	}
	respond /static 204
}
http://b.example.com {
	sse_bridge {{backend}}
}
`
	chat := slices.Clip([]string{url + "/messages", "--id", "id", "--query", "lastId={sse.cursor}"})
	for _, c := range []struct {
		name string
		args []string
	}{
		{"good", append(chat, "--items", "messages", "--event", "type", "--data", "text", "--interval", "10ms", "--polls", "2")},
		{"resumed", append(chat, "--items", "messages", "-H", "Last-Event-ID: 1", "--polls", "1")},
		{"document", []string{url + "/document", "--interval", "10ms 20ms", "--polls", "3"}},
		{"set", []string{url + "/messages", "--items", "messages", "--id", "id", "--diff", "items", "--interval", "10ms", "--polls", "2"}},
		{"steps", []string{
			url + "/updates?token=t0ps3cret", "--method", "post", "--body", "sid={sse.cursor.sid}", "--query", "cursor={sse.cursor}", "--items", "items", "--cursor", "cursor",
			"--open", "method GET", "--open", "rewrite /session", "--open", "cursor sid sid", "--more", "more", "-H", "Cookie: a=b; c=d", "-H", "Authorization: Bearer t0ps3cret", "--polls", "1",
		}},
		{"secrets_shown", []string{url + "/document?token=t0ps3cret", "-H", "Authorization: Bearer t0ps3cret", "--show-secrets", "--polls", "1"}},
		{"wrong_items", append(chat, "--items", "message", "--polls", "1")},
		{"wrong_id", []string{url + "/messages", "--items", "messages", "--id", "msgId", "--query", "lastId={sse.cursor}", "--polls", "1"}},
		{"wrong_event", []string{url + "/messages", "--items", "messages", "--id", "id", "--event", "Types", "--query", "lastId={sse.cursor}", "--polls", "1"}},
		{"wrong_cursor", []string{url + "/messages", "--items", "messages", "--cursor", "lastt", "--query", "lastId={sse.cursor}", "--polls", "1"}},
		{"no_list", []string{url + "/document", "--items", "rows", "--polls", "1"}},
		{"ignored_cursor", []string{url + "/messages?x=1", "--items", "messages", "--id", "id", "--query", "since={sse.cursor}", "--interval", "10ms", "--polls", "2"}},
		{"map_for_list", []string{url + "/map", "--items", "rooms", "--id", "id", "--order", "overlap", "--polls", "1"}},
		{"for_appended", []string{url + "/appended", "--items", "orders", "--id", "id", "--order", "newest_first", "--interval", "10ms", "--polls", "3", "--for", "1m"}},
		{"held_to_the_end", []string{url + "/held", "--long-poll=50ms", "--timeout", "60ms", "--polls", "1"}},
		{"endless", []string{url + "/changes?since=2", "--timeout", "5s", "--polls", "1"}}, // in which the beginning comes on a busy machine, too
		{"stream", []string{url + "/changes", "--stream", "--format", "lines", "--id", "seq", "--event", "type", "--query", "since={sse.cursor}", "--polls", "3"}},
		{"stream_json", []string{url + "/changes", "--stream=5m", "--format", "lines", "--id", "seq", "--query", "since={sse.cursor}", "--polls", "2", "--json"}},
		{"unfenced", []string{url + "/messages?lastId=0", "--items", "messages", "--id", "id", "--query", `q="id > {sse.cursor}"`, "--query", "lastId={sse.cursor}", "--polls", "1", "--for", "1m"}},
		{"matching", []string{url + "/messages?lastId=0", "--items", "messages", "--id", "id", "--query", `q="id > {sse.cursor}"`, "--query", "lastId={sse.cursor}", "--matching", `\d+`, "--polls", "1", "--for", "1m"}},
		{"not_matching", []string{url + "/messages?lastId=0", "--items", "messages", "--id", "id", "--query", "lastId={sse.cursor}", "--matching", `[a-z]+`, "--polls", "1", "--for", "1m"}},
		{"stream_and_interval", []string{url + "/changes", "--stream", "--interval", "2s", "--format", "lines"}},
		{"too_slow", []string{url + "/held", "--timeout", "60ms", "--polls", "1"}},
		{"login_page", []string{url + "/login", "--items", "messages", "--polls", "1"}},
		{"refused", []string{url + "/secret"}},
		{"error_in_answer", []string{url + "/error", "--items", "messages", "--polls", "1"}},
		{"not_found", []string{url + "/nowhere", "--polls", "1"}},
		{"no_backend", []string{"http://" + nobody + "/messages", "--polls", "1"}},
		{"for_works", append(chat, "--items", "messages", "--interval", "10ms", "--polls", "2", "--for", "1m")},
		{"for_works_json", append(chat, "--items", "messages", "--interval", "10ms", "--polls", "2", "--for", "1m", "--json")},
		{"for_each_poll_is_news", []string{url + "/clock", "--interval", "10ms", "--polls", "5", "--for", "1m"}},
		{"for_wrong_items", append(chat, "--items", "message", "--interval", "10ms", "--polls", "3", "--for", "1m")},
		{"for_nobody_json", []string{"http://" + nobody + "/messages?token=t0ps3cret", "--polls", "1", "--for", "1m", "--json"}},
		{"for_held", []string{url + "/held", "--long-poll", "--for", "100ms"}},
		{"for_suggest", []string{"--suggest", url + "/messages", "--for", "1m"}},
		{"for_nothing", []string{url + "/messages", "--for", "-1s"}},
		{"json", append(chat, "--items", "messages", "--json", "--polls", "1")},
		{"flag_typo", []string{url + "/messages", "--itmes", "messages"}},
		{"flag_mistake", []string{url + "/messages", "--items", "messages", "--id", "id"}},
		{"flag_syntax", []string{url + "/messages", "--items", "messages", "--event", "a b c"}},
		{"flag_in_step", []string{url + "/messages", "--open", "rewrite /session", "--open", "long_poll"}},
		{"stray_argument", []string{url + "/messages", "--long-poll", "25s"}},
		{"no_url", nil},
		{"no_scheme", []string{"localhost:9000/messages"}},
		{"caddyfile", []string{"/chat/messages", "--caddyfile", caddyfile, "--site", "http://localhost:8080", "--polls", "1"}},
		{"caddyfile_other_block", []string{"http://localhost:8080/chat/rooms/1", "--caddyfile", caddyfile, "--polls", "1"}},
		{"caddyfile_anonymous", []string{"http://localhost:8080/private/document", "--caddyfile", caddyfile, "--polls", "1", "--for", "1m"}},
		{"caddyfile_no_block", []string{"http://localhost:8080/static", "--caddyfile", caddyfile}},
		{"caddyfile_no_handler", []string{"http://localhost:8080/nothing", "--caddyfile", caddyfile}},
		{"caddyfile_which_site", []string{"/chat/messages", "--caddyfile", caddyfile}},
		{"caddyfile_no_site", []string{"http://localhost:8081/chat", "--caddyfile", caddyfile}},
		{"caddyfile_and_flags", []string{"/chat/messages", "--caddyfile", caddyfile, "--items", "messages"}},
		{"suggest_login", []string{"--suggest", url + "/login"}},
		{"suggest_no_backend", []string{"--suggest", "http://" + nobody + "/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			upstream, nobody, caddyfile := tried(t), testport.Free(t), filepath.Join(t.TempDir(), "Caddyfile")
			fill := strings.NewReplacer("{{backend}}", upstream, "{{nobody}}", nobody, "{{caddyfile}}", caddyfile)
			writeFile(t, caddyfile, fill.Replace(config))
			args := slices.Clone(c.args)
			for i := range args {
				args[i] = fill.Replace(args[i])
			}
			got := strings.NewReplacer(upstream, "backend", nobody, "nobody").Replace(runTry(t, args...))
			for _, v := range varying {
				got = v.from.ReplaceAllString(got, v.to)
			}
			testsite.Golden(t, filepath.Join("internal/cli/testdata/try", c.name+".golden"), got)
		})
	}
}

func TestTryEndsAtOnceByASignal(t *testing.T) {
	t.Parallel()
	upstream := testsite.Backend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := caddyCommand(t, "sse-bridge", "try", "http://"+upstream+"/messages", "--long-poll")
		var stdout testsite.LockedBuffer
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		testsite.Eventually(t, "a word about the first poll", func() bool { return strings.Contains(stdout.String(), "no answer for 2s") })
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 || strings.Count(stdout.String(), "\n") != 1 {
			t.Errorf("after %s: %v, with the output %q and the errors %q", s, err, stdout.String(), stderr.String())
		}
	}
}

func TestASuggestionAsksForTheHostThatIsGiven(t *testing.T) {
	t.Parallel()
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "chat.example" {
			http.NotFound(w, r)
			return
		}
		counted(w)
		testsite.WriteAs(w, "application/json", `{"state":"up"}`)
	})
	out := runTry(t, "--suggest", "http://"+upstream+"/state", "-H", "Host: chat.example")
	if !strings.HasSuffix(out, "status 0\n") || !strings.Contains(out, "\t\theader_up Host chat.example\n") {
		t.Errorf("got %s", out)
	}
}

// counted says that the endpoint counts requests: it is asked once then.
func counted(w http.ResponseWriter) { w.Header().Set("X-RateLimit-Remaining", "1") }

func TestASuggestionIsMadeOfAPost(t *testing.T) {
	t.Parallel()
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || !bytes.Contains(body, []byte(`"method":"get"`)) || r.Header.Get("Content-Type") != "application/json" {
			w.Header().Set("Allow", "POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		counted(w)
		testsite.WriteAs(w, "application/json", `{"jsonrpc":"2.0","result":"stopped"}`)
	})
	if out := runTry(t, "--suggest", "http://"+upstream+"/rpc"); !strings.Contains(out, "status 405: it wants another method (POST). Add --method POST") {
		t.Errorf("of a GET it says %s", out)
	}
	out := runTry(t, "--suggest", "http://"+upstream+"/rpc", "--method", "post", "--body", `{"method":"get","token":"t0ps3cret"}`)
	for _, line := range []string{"\tmethod POST\n", "\tbody `{\"method\":\"get\",\"token\":\"{env.TOKEN}\"}`\n", "status 0\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in %s", line, out)
		}
	}
	if strings.Contains(out, "t0ps3cret") {
		t.Errorf("a secret is in %s", out)
	}
}

func TestASuggestionOfABackendWithACertificateOfItsOwn(t *testing.T) {
	t.Parallel()
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		counted(w)
		testsite.WriteAs(w, "application/json", `{"state":"up"}`)
	}))
	backend.Config.ErrorLog = log.New(io.Discard, "", 0)
	backend.StartTLS()
	t.Cleanup(backend.Close)
	if out := runTry(t, "--suggest", backend.URL+"/state"); !strings.Contains(out, "certificate is not trusted") || !strings.Contains(out, "--insecure") {
		t.Errorf("without --insecure it says %s", out)
	}
	out := runTry(t, "--suggest", backend.URL+"/state", "-k")
	if !strings.Contains(out, "\t\t\ttransport http {\n\t\t\t\ttls_insecure_skip_verify\n\t\t\t}\n") || !strings.HasSuffix(out, "status 0\n") {
		t.Errorf("with --insecure it says %s", out)
	}
	if out := runTry(t, backend.URL+"/state", "--insecure", "--polls", "1"); !strings.Contains(out, `{"state":"up"}`) || !strings.HasSuffix(out, "status 0\n") {
		t.Errorf("polled with --insecure it is %s", out)
	}
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTryMasksWhatComesFromTheEnvironmentAndFromFiles(t *testing.T) {
	t.Parallel()
	upstream, folder := tried(t), t.TempDir()
	file, snippet, secret := filepath.Join(folder, "Caddyfile"), filepath.Join(folder, "more"), filepath.Join(folder, "secret")
	writeFile(t, secret, "f1lesecret\n")
	writeFile(t, snippet, "header_up X-Imported {$IMPORTED}\n")
	writeFile(t, file, `{
	admin off
}
http://localhost:8080 {
	sse_bridge {$BACKEND} {
		header_up X-Room "room {env.ROOM}"
		header_up X-File {file.`+secret+`}
		header_up X-Substituted {$SUBSTITUTED:none}
		query room {env.ROOM}
		import more
	}
}
`)
	for _, given := range [][]string{nil, {"--show-secrets"}} {
		cmd := caddyCommand(t, append([]string{"sse-bridge", "try", "/document", "--caddyfile", file, "--polls", "1"}, given...)...)
		cmd.Env = append(cmd.Env, "BACKEND="+upstream, "ROOM=s3cret room", "SUBSTITUTED=s3cret2", "IMPORTED=s3cret3")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, text := range []string{"s3cret room", "s3cret+room", "s3cret2", "s3cret3", "f1lesecret"} {
			if shown := strings.Contains(string(out), text); shown != (given != nil) {
				t.Errorf("%s is shown, %t, with %q:\n%s", text, shown, given, out)
			}
		}
		for _, want := range []string{" from " + upstream, "X-Room: room ", "/document?room="} {
			if !strings.Contains(string(out), want) {
				t.Errorf("there is no %q in\n%s", want, out)
			}
		}
	}
}

func TestTrySaysThatAVariableOfTheEnvironmentIsEmpty(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if counted(w); r.URL.Path == "/closed" && r.Header.Get("X-Api-Key") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		testsite.WriteAs(w, "application/json", `{"state":"up"}`)
	}))
	t.Cleanup(backend.Close)
	for path, want := range map[string]string{"/closed": "hint       ", "/open": "note       "} {
		out := runTry(t, backend.URL+path, "--header-up", "X-API-Key {env.SSE_BRIDGE_TEST_NONE}", "--polls", "1")
		const text = "{env.SSE_BRIDGE_TEST_NONE} is empty: set it in Caddy's environment\n"
		if strings.Count(out, text) != 1 || !strings.Contains(out, want+text) || !strings.Contains(out, "X-Api-Key: (empty)\n") {
			t.Errorf("%s: it says\n%s", path, out)
		}
	}
}

// TestTrySendsTheLoginOfTheURL has a login, as a browser sends it; a header field of one's own goes first.
func TestTrySendsTheLoginOfTheURL(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		testsite.WriteAs(w, "application/json", `{"state":"up"}`)
	})
	for want, more := range map[string][]string{"Basic YW5uOnB3": nil, "Bearer abc": {"-H", "Authorization: Bearer abc"}} {
		out := runTry(t, append([]string{"http://ann:pw@" + upstream + "/document", "--polls", "1"}, more...)...)
		if is := <-got; is != want {
			t.Errorf("the backend got the Authorization %q instead of %q", is, want)
		}
		if strings.Contains(out, "YW5uOnB3") || strings.Contains(out, "pw@") {
			t.Errorf("the password is in\n%s", out)
		}
	}
}
