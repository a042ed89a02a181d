package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// tried is a backend with one answer for each way in which a trial may go.
func tried(t *testing.T) string {
	t.Helper()
	changes := new(atomic.Int32)
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
		{"held_to_the_end", []string{url + "/held", "--long-poll=50ms", "--timeout", "60ms", "--polls", "1"}},
		{"endless", []string{url + "/changes?since=2", "--timeout", "500ms", "--polls", "1"}},
		{"stream", []string{url + "/changes", "--stream", "--format", "lines", "--id", "seq", "--event", "type", "--query", "since={sse.cursor}", "--polls", "3"}},
		{"stream_json", []string{url + "/changes", "--stream=5m", "--format", "lines", "--id", "seq", "--query", "since={sse.cursor}", "--polls", "2", "--json"}},
		{"stream_and_interval", []string{url + "/changes", "--stream", "--interval", "2s", "--format", "lines"}},
		{"too_slow", []string{url + "/held", "--timeout", "60ms", "--polls", "1"}},
		{"login_page", []string{url + "/login", "--items", "messages", "--polls", "1"}},
		{"refused", []string{url + "/secret"}},
		{"error_in_answer", []string{url + "/error", "--items", "messages", "--polls", "1"}},
		{"not_found", []string{url + "/nowhere", "--polls", "1"}},
		{"no_backend", []string{"http://" + nobody + "/messages", "--polls", "1"}},
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
			upstream, nobody, caddyfile := tried(t), testsite.FreeAddr(t), filepath.Join(t.TempDir(), "Caddyfile")
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
		testsite.WriteAs(w, "application/json", `{"state":"up"}`)
	})
	if out := runTry(t, "--suggest", "http://"+upstream+"/state", "-H", "Host: chat.example"); !strings.HasSuffix(out, "status 0\n") {
		t.Errorf("got %s", out)
	}
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
