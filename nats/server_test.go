package nats

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// freePort returns a port that nobody listens on, and that nobody takes while its server is away.
func freePort(t testing.TB) int {
	t.Helper()
	_, port, err := net.SplitHostPort(testport.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// servers run in this process. They are one NATS cluster, if they are more than one.
type servers struct {
	t       testing.TB
	options []*server.Options
	running []*server.Server
	engine  Engine
}

// newServers returns servers that do not run yet. The change is made to the options of each.
func newServers(t testing.TB, n int, change func(*server.Options)) *servers {
	t.Helper()
	s := &servers{t: t, running: make([]*server.Server, n)}
	var routes []*url.URL
	for i := range n {
		o := &server.Options{Host: "127.0.0.1", Port: freePort(t), NoSigs: true, NoLog: true, ServerName: fmt.Sprintf("server-%d", i)}
		if n > 1 {
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: freePort(t)}
			routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", o.Cluster.Port)})
		}
		if change != nil {
			change(o)
		}
		s.options = append(s.options, o)
		s.engine.Servers = append(s.engine.Servers, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	for i, o := range s.options {
		o.Routes = slices.Delete(slices.Clone(routes), min(i, len(routes)), min(i+1, len(routes)))
	}
	t.Cleanup(s.Kill)
	return s
}

func (s *servers) Engine() cluster.Engine { return provisioned(s.t, s.engine) }

func provisioned(t testing.TB, e Engine) *Engine {
	t.Helper()
	if err := e.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	return &e
}

func (s *servers) Start() {
	s.t.Helper()
	for i := range s.running {
		s.start(i)
	}
	for _, one := range s.running {
		if !one.ReadyForConnections(patience) {
			s.t.Fatalf("a server takes no connections")
		}
	}
	eventually(s.t, "the servers know each other", func() bool {
		return !slices.ContainsFunc(s.running, func(one *server.Server) bool { return one.NumRoutes() < len(s.running)-1 })
	})
}

func (s *servers) start(i int) {
	s.t.Helper()
	one, err := server.NewServer(s.options[i].Clone())
	if err != nil {
		s.t.Fatal(err)
	}
	one.Start()
	s.running[i] = one
}

func (s *servers) Kill() {
	for i := range s.running {
		s.kill(i)
	}
}

func (s *servers) kill(i int) {
	if s.running[i] == nil {
		return
	}
	s.running[i].Shutdown()
	s.running[i].WaitForShutdown()
	s.running[i] = nil
}

// process is the nats-server of Debian, in a process of its own.
type process struct {
	t       testing.TB
	program string
	port    int
	command *exec.Cmd
}

func newProcess(t testing.TB) *process {
	t.Helper()
	p := &process{t: t, program: program(t), port: freePort(t)}
	t.Cleanup(p.Kill)
	return p
}

// program returns where the server is. Its folder is not in the PATH of everybody.
func program(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"nats-server", "/usr/sbin/nats-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("nats-server (Debian: nats-server) is missing")
	}
	t.Skip("nats-server (Debian: nats-server) is missing")
	return ""
}

func (p *process) Engine() cluster.Engine {
	return provisioned(p.t, Engine{Servers: []string{fmt.Sprintf("nats://127.0.0.1:%d", p.port)}})
}

func (p *process) Start() {
	p.t.Helper()
	p.command = exec.Command(p.program, "-a", "127.0.0.1", "-p", strconv.Itoa(p.port))
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the server takes connections", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

func (p *process) Kill() {
	if p.command == nil {
		return
	}
	p.command.Process.Kill()
	p.command.Wait()
	p.command = nil
}

func (p *process) Freeze() { p.command.Process.Signal(syscall.SIGSTOP) }
func (p *process) Thaw()   { p.command.Process.Signal(syscall.SIGCONT) }

// patience is how long tests wait for what must come.
const patience = time.Minute

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); !is(); <-ticker.C {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// bus is a connection with what it has warned of.
type bus struct {
	cluster.Connection

	t    testing.TB
	logs *observer.ObservedLogs
}

func dial(t testing.TB, e cluster.Engine) *bus {
	t.Helper()
	core, logs := observer.New(zapcore.WarnLevel)
	c, err := e.Connect(zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &bus{Connection: c, t: t, logs: logs}
}

func (b *bus) isUp() bool {
	up, _ := b.State()
	return up
}

func (b *bus) awaitUp() {
	b.t.Helper()
	eventually(b.t, "the bus is up", b.isUp)
}

// warnings returns what was warned of, each with the text of its error.
func (b *bus) warnings() (texts []string) {
	for _, entry := range b.logs.All() {
		fields := entry.ContextMap()
		parts := []string{entry.Message}
		for _, name := range []string{"publish", "subscribe", "error"} {
			if field, is := fields[name]; is {
				parts = append(parts, fmt.Sprintf("%s=%v", name, field))
			}
		}
		texts = append(texts, strings.Join(parts, " "))
	}
	return texts
}

// warnedOnce waits for a warning with all these parts, and wants no other.
func (b *bus) warnedOnce(parts ...string) {
	b.t.Helper()
	eventually(b.t, "a warning is written", func() bool { return len(b.warnings()) > 0 })
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(3 * aMoment / 2); time.Now().Before(end); <-ticker.C {
		if b.isUp() {
			b.t.Fatal("the bus is up")
		}
	}
	got := b.warnings()
	if len(got) != 1 {
		b.t.Fatalf("%d warnings: %q", len(got), got)
	}
	for _, part := range parts {
		if !strings.Contains(got[0], part) {
			b.t.Errorf("the warning does not say %q: %s", part, got[0])
		}
	}
}
