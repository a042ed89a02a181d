package examples

import (
	"fmt"
	"net"
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

// privateFeed is the example of private events, with a log file of Caddy's at its most talkative.
type privateFeed struct {
	t    *testing.T
	site *testsite.Site
	node *testsite.Component
	log  string
}

func startPrivateFeed(t *testing.T) privateFeed {
	t.Helper()
	_, err := exec.LookPath("node")
	testsite.Need(t, "Node", err)
	node := testsite.StartComponent(t, filepath.Join("examples", "private-feed"), nil, "node", "server.js")
	_, port, _ := net.SplitHostPort(node.Addr)
	p := privateFeed{t: t, node: node, log: filepath.Join(t.TempDir(), "caddy.log")}

	text, err := os.ReadFile(filepath.Join("examples", "private-feed", "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	options, _, _ := strings.Cut(string(text), "\n}\n")
	_, options, _ = strings.Cut(options, "\n{\n")
	options = strings.Replace(options, "log {", "admin off\n\tpersist_config off\n\tlog {\n\t\toutput file "+p.log+"\n\t\tlevel DEBUG", 1)
	p.site = testsite.Run(t, "{\n"+options+"\n}\n"+testsite.ExampleWith(t, "private-feed", map[string]string{"PORT": port}))
	return p
}

// logIn returns the cookie of a new session, and a token.
func (p privateFeed) logIn(user string) (cookie, token string) {
	p.t.Helper()
	resp, _ := send(p.t, http.MethodPost, p.site.URL+"/api/login", "", url.Values{"user": {user}})
	cookie, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	_, body := send(p.t, http.MethodPost, p.site.URL+"/api/token", cookie, nil)
	token = gjson.Get(body, "token").Str
	if cookie == "" || token == "" {
		p.t.Fatalf("%s has the cookie %q and the token %q", user, cookie, token)
	}
	return cookie, token
}

func TestPrivateEventsReachTheirUserAlone(t *testing.T) {
	p := startPrivateFeed(t)
	annCookie, annToken := p.logIn("ann")
	bobCookie, bobToken := p.logIn("bob")
	user := func(i int) string { return []string{"ann", "bob"}[i%2] }
	tell := func(i int) {
		t.Helper()
		send(t, http.MethodPost, p.site.URL+"/api/send", annCookie, url.Values{"to": {user(i)}, "text": {fmt.Sprintf("event %d for %s", i, user(i))}})
	}
	tell(1) // a stream whose first poll is held would have its header wait for a second
	tell(2)

	at := func(token string) string { return p.site.URL + "/events?token=" + token }
	streams := map[string][]*testsite.Subscription{
		"ann": {testsite.Subscribe(t, p.site.URL+"/events", "Cookie", "theme=dark; "+annCookie), testsite.Subscribe(t, at(annToken))},
		"bob": {testsite.Subscribe(t, p.site.URL+"/events", "Cookie", bobCookie), testsite.Subscribe(t, at(bobToken)), testsite.Subscribe(t, at(bobToken))},
	}
	check := func(stream *testsite.Subscription, i int) {
		t.Helper()
		want := testsite.Received{ID: strconv.Itoa(i), Data: fmt.Sprintf(`{"id":%d,"from":"ann","text":"event %d for %s"}`, i, i, user(i))}
		got := stream.Next()
		if got.Retry = ""; got != want {
			t.Fatalf("%s got %+v, want %+v", user(i), got, want)
		}
	}
	const n = 12
	for i := 1; i <= n; i++ {
		if i > 2 {
			tell(i)
		}
		for _, stream := range streams[user(i)] {
			check(stream, i)
		}
	}
	// with an id of the other's
	check(testsite.Subscribe(t, at(bobToken), "Last-Event-ID", strconv.Itoa(n-4)), n-3)
	for user, own := range streams {
		for _, stream := range own {
			select {
			case e := <-stream.Events:
				t.Errorf("%s also got %+v", user, e)
			default:
			}
		}
	}

	send(t, http.MethodPost, p.site.URL+"/api/logout", annCookie, nil)
	for _, stream := range streams["ann"] {
		stream.Ended()
	}
	for _, back := range []*testsite.Subscription{testsite.Subscribe(t, p.site.URL+"/events", "Cookie", annCookie), testsite.Subscribe(t, at(annToken))} {
		if back.Response.StatusCode != http.StatusUnauthorized || back.Response.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("who has logged out gets %s %v", back.Response.Status, back.Response.Header)
		}
	}
	send(t, http.MethodPost, p.site.URL+"/api/send", bobCookie, url.Values{"to": {"bob"}, "text": {"bye"}})
	for _, stream := range streams["bob"] {
		if e := stream.Next(); e.ID != strconv.Itoa(n+1) {
			t.Errorf("bob, who has not, got %+v", e)
		}
	}
}

func TestTokensAreInNoLog(t *testing.T) {
	p := startPrivateFeed(t)
	cookie, token := p.logIn("ann")
	send(t, http.MethodPost, p.site.URL+"/api/send", cookie, url.Values{"to": {"ann"}, "text": {"hello"}})
	stream := testsite.Subscribe(t, p.site.URL+"/events?x=1&token="+token)
	stream.Next()
	stream.Close()
	guessed := testsite.Subscribe(t, p.site.URL+"/events?token="+token+"x")
	if guessed.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("another token gets %s", guessed.Response.Status)
	}

	p.node.Stop() // so that Caddy logs the request that fails
	if resp, _ := send(t, http.MethodPost, p.site.URL+"/api/token?token="+token, cookie, nil); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("without a backend there comes %s", resp.Status)
	}

	session := strings.TrimPrefix(cookie, "session=")
	var logged string
	testsite.Eventually(t, "the requests to be logged", func() bool {
		text, err := os.ReadFile(p.log)
		logged = string(text)
		return err == nil && strings.Contains(logged, "/events?token=REDACTED&x=1") && strings.Contains(logged, "/api/token?token=REDACTED")
	})
	for where, text := range map[string]string{"Caddy": logged, "the backend": p.node.Output.String()} {
		for what, secret := range map[string]string{"token": token, "session": session} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("the %s is in the log of %s: … %s", what, where, text[max(0, at-300):at+len(secret)])
			}
		}
	}
}
