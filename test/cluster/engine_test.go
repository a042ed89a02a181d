package cluster

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// engine is what connects the nodes.
type engine struct {
	option  string // the global option of the Caddyfile
	servers []*process
}

// newEngine starts the servers of an engine; none for no cluster.
func newEngine(t testing.TB, name string) *engine {
	t.Helper()
	e := new(engine)
	switch name {
	case "none":
	case "nats": // three servers, which are one cluster of NATS
		program := build(t, "nats-server", "github.com/nats-io/nats-server/v2")
		routes := make([]string, 3)
		for i := range routes {
			routes[i] = "nats://" + testport.Free(t)
		}
		for i := range routes {
			e.nats(t, program, i, "--cluster_name", "bridge", "--cluster", routes[i], "--routes", strings.Join(routes, ","))
		}
		e.option = "cluster nats"
		for _, s := range e.servers {
			e.option += " nats://" + s.addr
		}
	case "debian":
		s := e.nats(t, testsite.NeedServer(t, "nats-server", "nats-server"), 0)
		e.option = "cluster nats nats://" + s.addr
	case "redis":
		addr := testport.Free(t)
		_, port, _ := net.SplitHostPort(addr)
		e.servers = append(e.servers, newProcess(t, "redis", addr, testsite.NeedServer(t, "redis-server", "redis-server"),
			"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"))
		e.option = "cluster redis redis://" + addr
	default:
		t.Fatalf("there is no engine %q", name)
	}
	e.start()
	return e
}

// nats adds a server that does not run yet.
func (e *engine) nats(t testing.TB, program string, i int, args ...string) *process {
	t.Helper()
	addr := testport.Free(t)
	_, port, _ := net.SplitHostPort(addr)
	name := fmt.Sprintf("nats-%d", i)
	s := newProcess(t, name, addr, program, append([]string{"-a", "127.0.0.1", "-p", port, "-n", name}, args...)...)
	e.servers = append(e.servers, s)
	return s
}

func (e *engine) start() {
	for _, s := range e.servers {
		s.start()
	}
	for _, s := range e.servers {
		s.listens()
	}
}

func (e *engine) kill() {
	for _, s := range e.servers {
		s.kill()
	}
}
