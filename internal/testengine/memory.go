// Package testengine is an engine of a cluster for tests of one node: a bus in memory with nobody else on it.
package testengine

import (
	"errors"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

func init() { caddy.RegisterModule(Memory{}) }

// Memory is the engine `memory`.
type Memory struct {
	Bus      string `json:"bus,omitempty"` // by which the test finds its connections
	Password string `json:"password,omitempty"`
	Refuses  string `json:"refuses,omitempty"` // the error of each connection; empty: none
}

// CaddyModule returns the Caddy module information.
func (Memory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "sse_bridge.cluster.memory", New: func() caddy.Module { return new(Memory) }}
}

// UnmarshalCaddyfile implements caddyfile.Unmarshaler. Syntax:
//
//	memory [<bus>] {
//	    password <text>
//	    refuses  <error>
//	}
func (m *Memory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	if d.NextArg() {
		m.Bus = d.Val()
	}
	for d.NextBlock(0) {
		to := map[string]*string{"password": &m.Password, "refuses": &m.Refuses}[d.Val()]
		if to == nil || !d.AllArgs(to) {
			return d.ArgErr()
		}
	}
	return nil
}

// connections are those of each bus, in their order.
var connections = struct {
	sync.Mutex
	of map[string][]*Connection
}{of: make(map[string][]*Connection)}

// Connections returns the connections that a bus has had, in their order.
func Connections(bus string) []*Connection {
	connections.Lock()
	defer connections.Unlock()
	return append([]*Connection(nil), connections.of[bus]...)
}

// Forget forgets all connections, so that a test that runs again finds its own.
func Forget() {
	connections.Lock()
	defer connections.Unlock()
	clear(connections.of)
}

// Connect implements cluster.Engine.
func (m *Memory) Connect(logger *zap.Logger) (cluster.Connection, error) {
	if m.Refuses != "" {
		return nil, errors.New(m.Refuses)
	}
	c := &Connection{Logger: logger, changed: make(chan struct{}), closed: make(chan struct{})}
	connections.Lock()
	defer connections.Unlock()
	connections.of[m.Bus] = append(connections.of[m.Bus], c)
	return c, nil
}

// Connection is a connection to a bus. It is up until it is closed.
type Connection struct {
	Logger  *zap.Logger // that it was given
	changed chan struct{}
	closed  chan struct{}
	once    sync.Once
}

// Closed reports whether the connection was closed.
func (c *Connection) Closed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// Close implements io.Closer.
func (c *Connection) Close() error {
	c.once.Do(func() {
		close(c.closed)
		close(c.changed)
	})
	return nil
}

// Publish implements cluster.Bus. Nobody hears it.
func (c *Connection) Publish(string, []byte) error {
	if c.Closed() {
		return errors.New("publishing: the connection is closed")
	}
	return nil
}

// Subscribe implements cluster.Bus. There is nothing to hear.
func (c *Connection) Subscribe(string, func([]byte)) (cluster.Subscription, error) {
	if c.Closed() {
		return nil, errors.New("subscribing: the connection is closed")
	}
	return silence{}, nil
}

// State implements cluster.Bus.
func (c *Connection) State() (up bool, changed <-chan struct{}) { return !c.Closed(), c.changed }

// Largest implements cluster.Bus.
func (*Connection) Largest() int { return 1 << 20 }

// silence is a subscription to nothing.
type silence struct{}

// Unsubscribe implements cluster.Subscription.
func (silence) Unsubscribe() error { return nil }

// Interface guards
var (
	_ cluster.Engine        = (*Memory)(nil)
	_ cluster.Connection    = (*Connection)(nil)
	_ caddyfile.Unmarshaler = (*Memory)(nil)
)
