package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/app"
	"github.com/sse-bridge/caddy-sse-bridge/internal/membership"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testengine"
)

// load loads a configuration whose app is the given JSON, which other apps may follow, and whose log is a file,
// until the test ends.
func load(t *testing.T, app, log string) error {
	t.Helper()
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
		testengine.Forget()
	})
	file, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	return caddy.Load([]byte(`{
		"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {"default": {"encoder": {"format": "json"}, "writer": {"output": "file", "filename": `+string(file)+`}}}},
		"apps": {"sse_bridge": `+app+`}
	}`), true)
}

// mustLoad loads what has no mistake.
func mustLoad(t *testing.T, app, log string) {
	t.Helper()
	if err := load(t, app, log); err != nil {
		t.Fatal(err)
	}
}

func aLog(t *testing.T) string { return filepath.Join(t.TempDir(), "log") }

// checkConnections says of each connection that a bus has had whether it should be closed.
func checkConnections(t *testing.T, bus string, closed ...bool) {
	t.Helper()
	all := testengine.Connections(bus)
	if len(all) != len(closed) {
		t.Fatalf("%d connections to %s, want %d", len(all), bus, len(closed))
	}
	for i, c := range all {
		if c.Closed() != closed[i] {
			t.Errorf("connection %d to %s is closed: %t, want %t", i, bus, c.Closed(), closed[i])
		}
	}
}

func TestAReloadThatLeavesTheClusterAloneKeepsTheConnection(t *testing.T) {
	mustLoad(t, `{"cluster": {"engine": "memory", "bus": "kept"}}`, aLog(t))
	member := membership.Current()
	mustLoad(t, `{"cluster":  {"engine": "memory",  "bus": "kept"}}`, aLog(t))
	checkConnections(t, "kept", false)
	if member == nil || membership.Current() != member {
		t.Errorf("the member was %p, and is %p", member, membership.Current())
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	checkConnections(t, "kept", true)
	if membership.Current() != nil {
		t.Error("there is a member after the last configuration")
	}
}

func TestAReloadThatChangesTheClusterConnectsAnew(t *testing.T) {
	mustLoad(t, `{"cluster": {"engine": "memory", "bus": "changed"}}`, aLog(t))
	member := membership.Current()
	mustLoad(t, `{"cluster": {"engine": "memory", "bus": "changed", "password": "x"}}`, aLog(t))
	checkConnections(t, "changed", true, false)
	if now := membership.Current(); now == nil || now == member {
		t.Errorf("the member was %p, and is %p", member, now)
	}
	mustLoad(t, `{}`, aLog(t))
	checkConnections(t, "changed", true, true)
	if membership.Current() != nil {
		t.Error("there is a member without a cluster")
	}
}

func TestAnEngineThatCannotConnectIsAnErrorAtLoad(t *testing.T) {
	mustLoad(t, `{"cluster": {"engine": "memory", "bus": "before"}}`, aLog(t))
	member := membership.Current()
	err := load(t, `{"cluster": {"engine": "memory", "bus": "refused", "refuses": "the seed file is empty"}}`, aLog(t))
	if want := "connecting to the cluster: the seed file is empty"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got the error %v, want %q at its end", err, want)
	}
	checkConnections(t, "before", false)
	if membership.Current() != member {
		t.Error("the configuration that failed has changed the member")
	}
}

func TestAHeldMemberOutlivesTheApp(t *testing.T) {
	mustLoad(t, `{"cluster": {"engine": "memory", "bus": "held"}}`, aLog(t))
	configured, err := caddy.ActiveContext().AppIfConfigured(app.Name)
	if err != nil {
		t.Fatal(err)
	}
	member, release := configured.(*app.App).Hold()
	if member == nil || member != configured.(*app.App).Member() {
		t.Errorf("the member that is held is %p", member)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	checkConnections(t, "held", false)
	mustLoad(t, `{"cluster": {"engine": "memory", "bus": "after"}}`, aLog(t))
	if now := membership.Current(); now == nil || now == member {
		t.Errorf("the member that operators see is %p, beside %p that is held", now, member)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	checkConnections(t, "held", true)
}

func TestAnAppWithoutAClusterHasNoMember(t *testing.T) {
	mustLoad(t, `{}`, aLog(t))
	configured, err := caddy.ActiveContext().AppIfConfigured(app.Name)
	if err != nil {
		t.Fatal(err)
	}
	member, release := configured.(*app.App).Hold()
	if member != nil || configured.(*app.App).Member() != nil {
		t.Errorf("there is a member: %v", member)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// entry is a line of the log.
type entry struct {
	Level, Logger, Msg, Engine, Node string
	NodeID                           string `json:"node_id"`
}

func entries(t *testing.T, file string) (all []entry, raw string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all, string(content)
}

func count(all []entry, msg string) (n int, last entry) {
	for _, e := range all {
		if e.Msg == msg {
			n, last = n+1, e
		}
	}
	return n, last
}

func TestTheLogSaysOnceThatTheNodeHasJoinedAndKeepsSecrets(t *testing.T) {
	first, second := aLog(t), aLog(t)
	const cluster = `{"cluster": {"engine": "memory", "bus": "logged", "password": "hunter2"}}`
	mustLoad(t, cluster, first)
	mustLoad(t, cluster, second)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	all, raw := entries(t, first)
	want := entry{Level: "info", Logger: "sse_bridge", Msg: "joined the cluster", Engine: "memory", Node: host, NodeID: membership.Current().Status().ID}
	if n, got := count(all, want.Msg); n != 1 || got != want {
		t.Errorf("%d lines say that the node has joined, the last one is %+v, want %+v", n, got, want)
	}
	if strings.Contains(raw, "hunter2") {
		t.Errorf("the log has the password:\n%s", raw)
	}
	if all, _ = entries(t, second); len(all) > 0 {
		if n, _ := count(all, want.Msg); n != 0 {
			t.Errorf("%d lines after a reload say that the node has joined", n)
		}
	}
}

func TestAConnectionWritesToTheLogOfTheNewestConfiguration(t *testing.T) {
	first, second := aLog(t), aLog(t)
	const cluster = `{"cluster": {"engine": "memory", "bus": "wrote"}}`
	mustLoad(t, cluster, first)
	logger := testengine.Connections("wrote")[0].Logger
	logger.Warn("one")
	mustLoad(t, cluster, second)
	logger.Warn("two")
	const handler = `{"handler": "sse_bridge", "upstream": [{"handle": [{"handler": "none of Caddy's"}]}]}`
	err := load(t, cluster+`, "http": {"servers": {"site": {"routes": [{"handle": [`+handler+`]}]}}}`, aLog(t))
	if err == nil || !strings.Contains(err.Error(), "none of Caddy's") {
		t.Errorf("a configuration that had joined and cannot start gives the error %v", err)
	}
	logger.Warn("three")

	before, _ := entries(t, first)
	after, _ := entries(t, second)
	for msg, want := range map[string][2]int{"one": {1, 0}, "two": {0, 1}, "three": {0, 1}} {
		if b, _ := count(before, msg); b != want[0] {
			t.Errorf("the first log has %q %d times", msg, b)
		}
		if a, _ := count(after, msg); a != want[1] {
			t.Errorf("the second log has %q %d times", msg, a)
		}
	}
}
