package ssebridge

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

	"github.com/tidwall/gjson"
)

// startFPM runs PHP-FPM with the configuration of the example, and returns its socket for a Caddyfile.
func startFPM(t *testing.T) string {
	t.Helper()
	needPHP(t)
	path, err := exec.LookPath("php-fpm8.2")
	need(t, "PHP-FPM (Debian: php8.2-fpm)", err)
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
	fpm := runComponent(t, folder, []string{"FPM_DATA=" + data, "FPM_USER=root", "CHAT_HOLD=2"}, path, args...)
	eventually(t, "PHP-FPM to be ready", func() bool {
		select {
		case <-fpm.exited:
			t.Fatal("PHP-FPM has exited")
		default:
		}
		return strings.Contains(fpm.output.String(), "ready to handle connections")
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
	caddyfile := exampleWith(t, "php-fpm", map[string]string{"FPM": startFPM(t)})
	s := runCaddy(t, caddyfile)
	said := 0
	publish := func(i int) {
		resp, body := send(t, http.MethodPost, s.url+"/chat.php", "", url.Values{"user": {"ann"}, "text": {fmt.Sprint("event ", i)}})
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("saying event %d: %s %s", i, resp.Status, body)
		}
		said++
	}
	live := func(i int) bool { return i%10 == 6 }
	absent := func(i int) {
		if i%5 == 0 {
			s.move(caddyfile, i)
		}
	}
	cuts{s, "/chat.php?lastId=" + strconv.Itoa(said), "text", publish, live, absent}.follow(t, 20)
}

func TestAChatOnFPMKnowsItsSession(t *testing.T) {
	s := runCaddy(t, exampleWith(t, "php-fpm", map[string]string{"FPM": startFPM(t)}))
	if resp, body := send(t, http.MethodGet, s.url+"/", "", nil); !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("the page is answered with %s %s", resp.Status, body)
	}
	resp, body := send(t, http.MethodPost, s.url+"/chat.php", "", url.Values{"user": {"ann"}, "text": {"hello"}})
	session, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(session, "PHPSESSID=") {
		t.Fatalf("got %s with the cookie %q\n%s", resp.Status, session, body)
	}
	mine, other := subscribe(t, s.url+"/chat.php", "Cookie", "theme=dark; "+session), subscribe(t, s.url+"/chat.php")
	for stream, want := range map[*subscription]string{
		mine:  `{"id":1,"user":"ann","text":"hello","mine":true}`,
		other: `{"id":1,"user":"ann","text":"hello","mine":false}`,
	} {
		if e := stream.next(); e.Data != want || e.ID != "1" {
			t.Errorf("got %+v, want %s", e, want)
		}
	}
	// a session that the held polls kept open would make this wait for them
	send(t, http.MethodPost, s.url+"/chat.php", session, url.Values{"text": {"still ann"}})
	if e := mine.next(); gjson.Get(e.Data, "user").Str != "ann" || !gjson.Get(e.Data, "mine").Bool() {
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
	caddyfile := exampleWith(t, "php-fpm", map[string]string{"FPM": startFPM(t)})
	caddyfile = relativeRoot.ReplaceAllString(caddyfile, "${1}"+root)
	stream := subscribe(t, runCaddy(t, caddyfile).url+"/chat.php?room=a%2Fb", "Cookie", "theme=dark; PHPSESSID=one")
	for _, query := range []string{"room=a%2Fb", "room=a%2Fb&lastId=7"} {
		e := stream.next()
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
	needPHP(t)
	need(t, "Symfony's HttpFoundation (Debian: php-symfony-http-foundation)",
		exec.Command("php", "-r", `require 'Symfony/Component/HttpFoundation/autoload.php';`).Run())
	env := []string{"PHP_CLI_SERVER_WORKERS=4", "ORDERS=" + filepath.Join(t.TempDir(), "orders.json")}
	php := startComponent(t, filepath.Join("examples", "symfony"), env, "php", "-S", "{{addr}}", "-t", "public")
	caddyfile := strings.Replace(example(t, "symfony", php.addr), "interval 1s 5s", "interval 50ms", 1)
	s := runCaddy(t, caddyfile)

	if resp, body := send(t, http.MethodGet, s.url+"/orders", "", nil); !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("who navigates there gets %s %s", resp.Status, body)
	}
	stream := subscribe(t, s.url+"/orders")
	empty := stream.next()
	if empty.Data != `{"orders":[]}` {
		t.Fatalf("got %+v", empty)
	}
	eventually(t, "a poll to be answered by its ETag alone", func() bool { return strings.Contains(php.output.String(), "[304]: GET /orders") })
	post(t, http.MethodPost, "http://"+php.addr+"/orders", "application/x-www-form-urlencoded", "item=tea")
	if e := stream.next(); e.Data != `{"orders":[{"number":1,"item":"tea"}]}` {
		t.Errorf("got %+v", e)
	}
	stream.close()

	back := subscribe(t, s.url+"/orders", "Last-Event-ID", empty.ID)
	if e := back.next(); e.Data != `{"orders":[{"number":1,"item":"tea"}]}` {
		t.Errorf("who comes back gets %+v", e)
	}
}
