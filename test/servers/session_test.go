package servers

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// sessionServer is a server with sessions.
type sessionServer interface {
	say(i int)                 // publishes {"n":i}
	sessions() (open, all int) // since it was started
	requests() int             // of sessions, likewise
	restart()                  // at the same address
}

// follows checks what two clients of a session get from a server: all messages in order, after a silence that is longer than
// the server bears without an answer, and after a restart, which is announced; and that it is one session, which is closed.
// A message has its number at a path in the data.
func follows(t *testing.T, server sessionServer, caddyfile, path, number string) {
	t.Helper()
	s := testsite.Run(t, caddyfile)
	url := s.URL + path
	both := []*testsite.Subscription{testsite.Subscribe(t, url), testsite.Subscribe(t, url)}
	wants := func(from, to int) {
		t.Helper()
		for _, client := range both {
			for i := from; i <= to; i++ {
				if e := client.Next(); gjson.Get(e.Data, number).Raw != strconv.Itoa(i) {
					t.Fatalf("got %+v, want message %d", e, i)
				}
			}
		}
	}
	isOpen := func(want int) func() bool {
		return func() bool { open, _ := server.sessions(); return open == want }
	}
	testsite.Eventually(t, "the session", isOpen(1))
	for i := range 20 {
		server.say(i + 1)
	}
	wants(1, 20)
	before := server.requests()
	testsite.Eventually(t, "some polls without news", func() bool { return server.requests() >= before+20 })
	server.say(21)
	wants(21, 21)
	if open, all := server.sessions(); open != 1 || all != 1 {
		t.Errorf("%d sessions are open, %d have been", open, all)
	}

	server.restart()
	testsite.Eventually(t, "the session after the restart", isOpen(1))
	server.say(22)
	for _, client := range both {
		if e := client.Next(); e.Type != "bridge.reset" {
			t.Fatalf("got %+v, want a reset", e)
		}
	}
	wants(22, 22)

	for _, client := range both {
		client.Close()
	}
	testsite.Eventually(t, "the session to be closed", isOpen(0))
}

// nodeFolder has the programs that need npm.
var nodeFolder = filepath.Join("test", "servers", "npm")

// nodeServer is a program of test/servers/npm.
type nodeServer struct {
	*testsite.Component
	t      *testing.T
	script string
	env    []string
}

func startNode(t *testing.T, script string, env ...string) *nodeServer {
	t.Helper()
	testsite.NeedNode(t, nodeFolder)
	return &nodeServer{Component: testsite.StartComponent(t, nodeFolder, env, "node", script), t: t, script: script, env: env}
}

func (n *nodeServer) say(i int) {
	n.t.Helper()
	testsite.Post(n.t, http.MethodPost, "http://"+n.Addr+"/say", "application/json", fmt.Sprintf(`{"n":%d}`, i))
}

func (n *nodeServer) sessions() (open, all int) { return n.count("open"), n.count("total") }

func (n *nodeServer) requests() int { return n.count("requests") }

func (n *nodeServer) count(what string) int {
	n.t.Helper()
	return int(gjson.Get(testsite.Fetch(n.t, "http://"+n.Addr+"/sessions"), what).Int())
}

func (n *nodeServer) restart() {
	n.t.Helper()
	n.Stop()
	addr := n.Addr
	_, port, _ := net.SplitHostPort(addr)
	n.Component = testsite.RunComponent(n.t, nodeFolder, append(n.env, "PORT="+port), "node", n.script)
	n.Listens(n.t, addr)
}

func TestAFayeIsBridged(t *testing.T) {
	server := startNode(t, "faye.js", "HOLD=0.2", "BEAR=1.5")
	follows(t, server, testsite.FormatSite("/bayeux "+server.Addr, "session bayeux /chat", "interval 50ms", "replay 1000 100ms"), "/bayeux", "n")
}

func TestASockJSIsBridged(t *testing.T) {
	server := startNode(t, "sockjs.js", "BEAT=200")
	follows(t, server, testsite.FormatSite("/sockjs "+server.Addr, "session sockjs", "interval 50ms", "replay 1000 100ms"), "/sockjs", "n")
}

func TestASocketIOIsBridged(t *testing.T) {
	server := startNode(t, "socketio.js", "PING=200", "PONG=1500")
	follows(t, server, testsite.FormatSite("/socket.io/ "+server.Addr, "session socketio", "replay 1000 100ms"), "/socket.io/", "0.n")
}

// The server answers a held poll with the event, and the next ones with its attachments.
func TestABinaryEventOfASocketIOIsWhole(t *testing.T) {
	server := startNode(t, "socketio.js")
	s := testsite.Run(t, testsite.FormatSite("/socket.io/ "+server.Addr, "session socketio", "data @this"))
	client := testsite.Subscribe(t, s.URL+"/socket.io/")
	testsite.Eventually(t, "a poll that is held", func() bool { return server.requests() == 4 })
	for i := range 3 {
		testsite.Post(t, http.MethodPost, "http://"+server.Addr+"/say?event=photo&bytes=abc&bytes=d", "application/json", fmt.Sprintf(`{"n":%d}`, i))
		e := client.Next()
		if got := gjson.Get(e.Data, "attachments").Raw; e.Type != "photo" || gjson.Get(e.Data, "args.0.n").Raw != strconv.Itoa(i) || got != `["YWJj","ZA=="]` {
			t.Fatalf("got %+v, want photo %d with its attachments", e, i)
		}
	}
}

// A server with sessions tells of what is said while somebody listens.
func meetNode(script, path, number string) func(t *testing.T) newcomer {
	return func(t *testing.T) newcomer {
		server := startNode(t, script)
		return newcomer{
			url: "http://" + server.Addr + path, show: at(number),
			say: func(text string) {
				testsite.Post(t, http.MethodPost, "http://"+server.Addr+"/say", "application/json", fmt.Sprintf(`{"text":%q}`, text))
			},
		}
	}
}
