package examples

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/chromedp/chromedp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// nginxExample is the example with nginx in front of Caddy. Its messages are a file of the test.
type nginxExample struct {
	t         *testing.T
	site      string // the folder of the file
	addr      string // of nginx
	caddy     *testsite.Site
	caddyfile string
}

func startNginxExample(t *testing.T) nginxExample {
	t.Helper()
	dir := t.TempDir()
	caddyfile := testsite.RelativeRoot.ReplaceAllString(testsite.ExampleWith(t, "behind-nginx", nil), "${1}"+dir)
	x := nginxExample{t: t, site: dir, addr: testport.Free(t)}
	x.publish(1)
	caddyfile = strings.Replace(caddyfile, "interval 1s", "interval 50ms", 1)
	x.caddyfile = strings.Replace(caddyfile, "keepalive 15s", "keepalive 1s", 1)
	x.caddy = testsite.Run(t, x.caddyfile)
	return x
}

// publish writes the messages up to a number.
func (x nginxExample) publish(upTo int) {
	x.t.Helper()
	messages := make([]string, upTo)
	for i := range messages {
		messages[i] = fmt.Sprintf(`{"id":%d,"text":"event %d"}`, i+1, i+1)
	}
	next := filepath.Join(x.site, "next")
	if err := os.WriteFile(next, fmt.Appendf(nil, `{"messages":[%s]}`, strings.Join(messages, ",")), 0o600); err != nil {
		x.t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(x.site, "messages.json")); err != nil {
		x.t.Fatal(err)
	}
}

// nginx runs nginx with the example's configuration and edits of it: pairs of what is there, and
// with what it is replaced.
func (x nginxExample) nginx(edits ...string) *testsite.Component {
	x.t.Helper()
	path := testsite.NeedServer(x.t, "nginx", "nginx")
	text, err := os.ReadFile(filepath.Join("examples", "behind-nginx", "nginx.conf"))
	if err != nil {
		x.t.Fatal(err)
	}
	config := string(text)
	for i, edits := 0, append(edits, "127.0.0.1:8000", x.addr, "127.0.0.1:8080", x.caddy.Addr); i < len(edits); i += 2 {
		if !strings.Contains(config, edits[i]) {
			x.t.Fatalf("nginx.conf has no %q", edits[i])
		}
		config = strings.Replace(config, edits[i], edits[i+1], 1)
	}
	prefix := x.t.TempDir()
	if err := os.WriteFile(filepath.Join(prefix, "nginx.conf"), []byte(config), 0o600); err != nil {
		x.t.Fatal(err)
	}
	n := testsite.RunComponent(x.t, prefix, nil, path, "-e", "stderr", "-p", prefix, "-c", "nginx.conf")
	n.Listens(x.t, x.addr)
	return n
}

// where the example says how nginx is to speak with Caddy
const spoken = "proxy_http_version 1.1;"

func TestEventsComeThroughNginxAtOnce(t *testing.T) {
	x := startNginxExample(t)
	published := 1
	for _, c := range []struct {
		name  string
		edits []string
		quiet int // keep-alives before the event
	}{
		{"as the example has it", nil, 0},
		{"with nothing but proxy_pass", []string{spoken, "", "proxy_set_header Connection '';", "", "proxy_read_timeout 60s;", ""}, 0},
		{"with gzip for every type", []string{spoken, spoken + " gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;"}, 0},
		{"with more keep-alives than nginx has patience", []string{"proxy_read_timeout 60s;", "proxy_read_timeout 5s;"}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := x
			x.t = t
			n := x.nginx(c.edits...)
			defer n.Stop()
			stream := testsite.Subscribe(t, "http://"+x.addr+"/messages.json")
			for i := range published {
				stream.WantEvent(i + 1)
			}
			testsite.Eventually(t, "keep-alives", func() bool { return len(stream.Seen()) >= c.quiet })
			published++
			x.publish(published)
			stream.WantEvent(published)
		})
	}
}

func TestABrowserBehindNginxResumesAfterCaddyHasRestarted(t *testing.T) {
	tab := browser.New(t)
	x := startNginxExample(t)
	n := x.nginx("retry: 3000", "retry: 100")
	const page = `<!doctype html><title>page</title><link rel="icon" href="data:,"><script>
		const texts = [], source = new EventSource("/messages.json");
		source.onmessage = event => texts.push(JSON.parse(event.data).text);
	</script>`
	if err := os.WriteFile(filepath.Join(x.site, "index.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	browser.Open(tab, t, "http://"+x.addr)
	has := func(want string) {
		t.Helper()
		testsite.Eventually(t, want, func() bool {
			got, err := chromedp.Run(tab, chromedp.Evaluate[string](`texts.join()`))
			if err != nil {
				t.Fatal(err)
			}
			return got == want
		})
	}
	has("event 1")
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	testsite.Eventually(t, "the browser to come while Caddy is away", func() bool {
		return strings.Contains(n.Output.String(), "GET /messages.json")
	})
	resp, err := http.Get("http://" + x.addr + "/messages.json") // which asks for no stream
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("a legacy client gets the status %d", resp.StatusCode)
	}
	x.publish(2)
	x.caddy.Reload(x.caddyfile)
	has("event 1,event 2")
}

func TestAClientResumesAfterNginxHasRestarted(t *testing.T) {
	x := startNginxExample(t)
	n := x.nginx()
	stream := testsite.Subscribe(t, "http://"+x.addr+"/messages.json")
	stream.WantEvent(1)
	n.Stop()
	stream.Ended()
	x.publish(3)
	x.nginx()
	back := testsite.Subscribe(t, "http://"+x.addr+"/messages.json", "Last-Event-ID", "1")
	back.WantEvent(2)
	back.WantEvent(3)
}

// Each waits longer than it does by default.
func TestOtherProxiesWaitForCaddy(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, setting, away string) string{
		"HAProxy": func(t *testing.T, setting, away string) string {
			dir, addr := t.TempDir(), testport.Free(t)
			config := fmt.Sprintf("defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\nfrontend front\n bind %s\n default_backend caddy\nbackend caddy\n %s\n server caddy %s\n", addr, setting, away)
			if err := os.WriteFile(filepath.Join(dir, "haproxy.cfg"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			testsite.RunComponent(t, dir, nil, testsite.NeedServer(t, "haproxy", "haproxy"), "-f", "haproxy.cfg", "-db").Listens(t, addr)
			return addr
		},
		"Caddy": func(t *testing.T, setting, away string) string {
			return testsite.Run(t, "{{site}} {\n\treverse_proxy "+away+" {\n\t\t"+setting+"\n\t}\n}").Addr
		},
	} {
		t.Run(name, func(t *testing.T) {
			away := testport.Free(t)
			addr := start(t, settingOf(t, name), away)
			answered := make(chan error, 1)
			go func() {
				resp, err := http.Get("http://" + addr)
				if err == nil {
					resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						err = errors.New(resp.Status)
					}
				}
				answered <- err
			}()
			if testsite.Within(4*time.Second, func() bool { return len(answered) > 0 }) {
				t.Fatalf("it does not wait: %v", <-answered)
			}
			l := testport.Listen(t, away)
			back := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: testsite.Patience}
			go back.Serve(l)
			defer back.Close()
			if err := <-answered; err != nil {
				t.Error(err)
			}
		})
	}
}

// settingOf returns what the README of the example has a proxy be set to.
func settingOf(t *testing.T, proxy string) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("examples", "behind-nginx", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(string(readme), "\n| "+proxy+" |")
	row, _, _ = strings.Cut(row, "\n")
	code := strings.Split(row, "`")
	if len(code) < 4 {
		t.Fatalf("the README has nothing to set for %s", proxy)
	}
	return code[3]
}
