package examples

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// startFPM runs PHP-FPM with the configuration of the example, and returns its socket for a Caddyfile.
func startFPM(t *testing.T) string {
	t.Helper()
	testsite.NeedPHP(t)
	path, err := exec.LookPath("php-fpm8.2")
	testsite.Need(t, "PHP-FPM (Debian: php8.2-fpm)", err)
	data, err := os.MkdirTemp("", "fpm") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	folder := filepath.Join("examples", "php-fpm")
	args := []string{"-F", "-y", "php-fpm.conf"}
	if os.Geteuid() == 0 {
		args = append(args, "-R")
	}
	fpm := testsite.RunComponent(t, folder, []string{"FPM_DATA=" + data, "FPM_USER=root", "CHAT_HOLD=2"}, path, args...)
	testsite.Eventually(t, "PHP-FPM to be ready", func() bool {
		select {
		case <-fpm.Exited:
			t.Fatal("PHP-FPM has exited")
		default:
		}
		return strings.Contains(fpm.Output.String(), "ready to handle connections")
	})
	return "unix/" + filepath.Join(data, "fpm.sock")
}

// send makes a request with a cookie, or none, and returns the answer with its body.
func send(t *testing.T, method, to, cookie string, form url.Values) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
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

func TestAChatOnFPMIsResumedAtEveryEvent(t *testing.T) {
	caddyfile := testsite.ExampleWith(t, "php-fpm", map[string]string{"FPM": startFPM(t)})
	s := testsite.Run(t, caddyfile)
	said := 0
	publish := func(i int) {
		resp, body := send(t, http.MethodPost, s.URL+"/chat.php", "", url.Values{"user": {"ann"}, "text": {fmt.Sprint("event ", i)}})
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("saying event %d: %s %s", i, resp.Status, body)
		}
		said++
	}
	live := func(i int) bool { return i%10 == 6 }
	absent := func(i int) {
		if i%5 == 0 {
			s.Move(caddyfile, i)
		}
	}
	testsite.Cuts{Site: s, Path: "/chat.php?lastId=" + strconv.Itoa(said), Name: "text", Publish: publish, Live: live, Absent: absent}.Follow(t, 20)
}

func TestAChatOnFPMKnowsItsSession(t *testing.T) {
	s := testsite.Run(t, testsite.ExampleWith(t, "php-fpm", map[string]string{"FPM": startFPM(t)}))
	if resp, body := send(t, http.MethodGet, s.URL+"/", "", nil); !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("the page is answered with %s %s", resp.Status, body)
	}
	resp, body := send(t, http.MethodPost, s.URL+"/chat.php", "", url.Values{"user": {"ann"}, "text": {"hello"}})
	session, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(session, "PHPSESSID=") {
		t.Fatalf("got %s with the cookie %q\n%s", resp.Status, session, body)
	}
	mine, other := testsite.Subscribe(t, s.URL+"/chat.php", "Cookie", "theme=dark; "+session), testsite.Subscribe(t, s.URL+"/chat.php")
	for stream, want := range map[*testsite.Subscription]string{
		mine:  `{"id":1,"user":"ann","text":"hello","mine":true}`,
		other: `{"id":1,"user":"ann","text":"hello","mine":false}`,
	} {
		if e := stream.Next(); e.Data != want || e.ID != "1" {
			t.Errorf("got %+v, want %s", e, want)
		}
	}
	// a session that the held polls kept open would make this wait for them
	send(t, http.MethodPost, s.URL+"/chat.php", session, url.Values{"text": {"still ann"}})
	if e := mine.Next(); gjson.Get(e.Data, "user").Str != "ann" || !gjson.Get(e.Data, "mine").Bool() {
		t.Errorf("the session's next message came as %+v", e)
	}
}

// TestAScriptOnFPMFindsItsSurroundings has a script of another root tell what it is given in polls.
func TestAScriptOnFPMFindsItsSurroundings(t *testing.T) {
	root := t.TempDir()
	script := filepath.Join(root, "chat.php")
	text := `<?php
$names = ['SCRIPT_FILENAME', 'DOCUMENT_ROOT', 'REQUEST_URI', 'QUERY_STRING', 'REQUEST_METHOD', 'HTTP_X_REQUESTED_WITH', 'REMOTE_ADDR'];
$server = array_intersect_key($_SERVER, array_flip($names));
if (($_GET['lastId'] ?? '') === '8') { sleep(2); http_response_code(204); exit; }
echo json_encode(['messages' => [['id' => ($_GET['lastId'] ?? 6) + 1, 'server' => $server, 'cookies' => $_COOKIE]]]);`
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	caddyfile := testsite.ExampleWith(t, "php-fpm", map[string]string{"FPM": startFPM(t)})
	caddyfile = testsite.RelativeRoot.ReplaceAllString(caddyfile, "${1}"+root)
	stream := testsite.Subscribe(t, testsite.Run(t, caddyfile).URL+"/chat.php?room=a%2Fb", "Cookie", "theme=dark; PHPSESSID=one")
	for _, query := range []string{"room=a%2Fb", "room=a%2Fb&lastId=7"} {
		e := stream.Next()
		for path, want := range map[string]string{
			"server.SCRIPT_FILENAME":       script,
			"server.DOCUMENT_ROOT":         root,
			"server.REQUEST_URI":           "/chat.php?" + query,
			"server.QUERY_STRING":          query,
			"server.REQUEST_METHOD":        "GET",
			"server.HTTP_X_REQUESTED_WITH": "XMLHttpRequest",
			"server.REMOTE_ADDR":           "0.0.0.0",
			"cookies":                      `{"PHPSESSID":"one"}`,
		} {
			if got := gjson.Get(e.Data, path).String(); got != want {
				t.Errorf("event %s: %s is %q, want %q", e.ID, path, got, want)
			}
		}
	}
}

func TestASymfonyControllerAnswersPollsAsAJAX(t *testing.T) {
	testsite.NeedPHP(t)
	testsite.Need(t, "Symfony's HttpFoundation (Debian: php-symfony-http-foundation)",
		exec.Command("php", "-r", `require 'Symfony/Component/HttpFoundation/autoload.php';`).Run())
	env := []string{"PHP_CLI_SERVER_WORKERS=4", "ORDERS=" + filepath.Join(t.TempDir(), "orders.json")}
	php := testsite.StartComponent(t, filepath.Join("examples", "symfony"), env, "php", "-S", "{{addr}}", "-t", "public")
	caddyfile := strings.Replace(testsite.Example(t, "symfony", php.Addr), "interval 1s 5s", "interval 50ms", 1)
	s := testsite.Run(t, caddyfile)

	if resp, body := send(t, http.MethodGet, s.URL+"/orders", "", nil); !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("who navigates there gets %s %s", resp.Status, body)
	}
	stream := testsite.Subscribe(t, s.URL+"/orders")
	empty := stream.Next()
	if empty.Data != `{"orders":[]}` {
		t.Fatalf("got %+v", empty)
	}
	testsite.Eventually(t, "a poll to be answered by its ETag alone", func() bool { return strings.Contains(php.Output.String(), "[304]: GET /orders") })
	testsite.Post(t, http.MethodPost, "http://"+php.Addr+"/orders", "application/x-www-form-urlencoded", "item=tea")
	if e := stream.Next(); e.Data != `{"orders":[{"number":1,"item":"tea"}]}` {
		t.Errorf("got %+v", e)
	}
	stream.Close()

	back := testsite.Subscribe(t, s.URL+"/orders", "Last-Event-ID", empty.ID)
	if e := back.Next(); e.Data != `{"orders":[{"number":1,"item":"tea"}]}` {
		t.Errorf("who comes back gets %+v", e)
	}
}
