package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// nginxExample is the example with nginx in front of Caddy. Its messages are a file of the test.
type nginxExample struct {
	t     *testing.T
	site  string // the folder of the file
	addr  string // of nginx
	caddy *testsite.Site
}

func startNginxExample(t *testing.T) nginxExample {
	t.Helper()
	dir := t.TempDir()
	caddyfile := testsite.RelativeRoot.ReplaceAllString(testsite.ExampleWith(t, "behind-nginx", nil), "${1}"+dir)
	x := nginxExample{t: t, site: dir, addr: testsite.FreeAddr(t)}
	x.publish(1)
	caddyfile = strings.Replace(caddyfile, "interval 1s", "interval 50ms", 1)
	x.caddy = testsite.Run(t, strings.Replace(caddyfile, "keepalive 15s", "keepalive 1s", 1))
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
		{"with more keep-alives than nginx has patience", []string{"proxy_read_timeout 60s;", "proxy_read_timeout 2500ms;"}, 2},
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
