package redis

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/caddyserver/caddy/v2"
	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/cluster/clustertest"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// testPatience is how long tests wait for what must come.
const testPatience = time.Minute

// eventually waits until something is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(testPatience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %v for %s", testPatience, what)
		}
	}
}

// freeAddress returns an address on which nothing listens, and that nobody takes while its server is away.
func freeAddress(t testing.TB) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(testport.Free(t))
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// provisioned returns the engine, checked.
func provisioned(t testing.TB, e *Engine) *Engine {
	t.Helper()
	if err := e.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	return e
}

// mini is a Redis in the test's own process.
type mini struct {
	t      testing.TB
	server *miniredis.Miniredis
	addr   string
}

func newMini(t testing.TB) clustertest.Server {
	host, port := freeAddress(t)
	m := &mini{t: t, addr: net.JoinHostPort(host, port)}
	t.Cleanup(m.Kill)
	return m
}

func (m *mini) Engine() cluster.Engine {
	return provisioned(m.t, &Engine{Servers: []string{"redis://" + m.addr}})
}

func (m *mini) Start() {
	m.server = miniredis.NewMiniRedis()
	if err := m.server.StartAddr(m.addr); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mini) Kill() {
	if m.server != nil {
		m.server.Close()
		m.server = nil
	}
}

// process is a redis-server of Debian, which keeps nothing.
type process struct {
	t          testing.TB
	host, port string
	folder     string
	arguments  []string
	running    *exec.Cmd
}

// newProcess skips the test if there is no redis-server, and fails in CI, where there has to be one. `{port}` in the
// arguments is a free port. The default is to listen to it.
func newProcess(t testing.TB, arguments ...string) *process {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("redis-server (Debian: redis-server) is missing: %v", err)
		}
		t.Skipf("redis-server (Debian: redis-server) is missing: %v", err)
	}
	if len(arguments) == 0 {
		arguments = []string{"--port", "{port}"}
	}
	p := &process{t: t, folder: t.TempDir()}
	p.host, p.port = freeAddress(t)
	for _, argument := range append(arguments, "--bind", p.host, "--save", "", "--appendonly", "no", "--dir", p.folder) {
		p.arguments = append(p.arguments, strings.ReplaceAll(argument, "{port}", p.port))
	}
	t.Cleanup(p.Kill)
	return p
}

func (p *process) address() string { return net.JoinHostPort(p.host, p.port) }

func (p *process) Engine() cluster.Engine {
	return provisioned(p.t, &Engine{Servers: []string{"redis://" + p.address()}})
}

func (p *process) Start() {
	p.t.Helper()
	p.running = exec.Command("redis-server", p.arguments...)
	p.running.Stdout = io.Discard
	if err := p.running.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "redis-server to listen", func() bool {
		conn, err := net.Dial("tcp", p.address())
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

func (p *process) Kill() {
	if p.running != nil {
		_ = p.running.Process.Kill()
		_ = p.running.Wait()
		p.running = nil
	}
}

func (p *process) Freeze() { p.signal(syscall.SIGSTOP) }
func (p *process) Thaw()   { p.signal(syscall.SIGCONT) }

func (p *process) signal(s syscall.Signal) {
	if err := p.running.Process.Signal(s); err != nil {
		p.t.Fatal(fmt.Errorf("telling redis-server: %w", err))
	}
}

// Interface guards
var (
	_ clustertest.Server  = (*mini)(nil)
	_ clustertest.Freezer = (*process)(nil)
)
