// Package membership is what outlives a configuration of the app: the pool of connections to clusters, each with
// the member that this node is there.
package membership

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	bus "github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/newestlog"
)

// pool holds the memberships across configurations, by the JSON of their clusters. A reload that does not change
// that finds the membership here, with its connection.
var pool = caddy.NewUsagePool()

// Membership is a connection to a cluster, and the member that this node is there. It is used by configurations
// and by their handlers, and ends with the last use.
type Membership struct {
	Member     *cluster.Member
	key        string
	joined     time.Time
	connection bus.Connection

	newest  atomic.Pointer[zap.Logger] // one of those below; the last one after their end
	mu      sync.Mutex
	loggers []*zap.Logger // of the configurations that use it, oldest first
}

// Join returns the membership of a cluster's JSON, and whether it is new: then it has been connected, and its
// member is called name. Its log is that of the newest configuration. Each call must be followed by one of Leave
// with the same logger.
func Join(key string, engine bus.Engine, name, version string, logger *zap.Logger) (m *Membership, isNew bool, err error) {
	pooled, loaded, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) {
		return connect(key, engine, cluster.Settings{Name: name, Version: version}, logger)
	})
	if err != nil {
		return nil, false, fmt.Errorf("connecting to the cluster: %w", err)
	}
	m = pooled.(*Membership)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loggers = append(m.loggers, logger) // it writes once those before it have left: its configuration may fail
	return m, !loaded, nil
}

func connect(key string, engine bus.Engine, settings cluster.Settings, logger *zap.Logger) (*Membership, error) {
	m := &Membership{key: key, joined: time.Now()}
	m.newest.Store(logger)
	settings.Logger = newestlog.New(m.newest.Load)
	connection, err := engine.Connect(settings.Logger)
	if err != nil {
		return nil, err
	}
	m.connection, m.Member = connection, cluster.New(connection, settings)
	return m, nil
}

// Leave ends the use of a configuration.
func (m *Membership) Leave(logger *zap.Logger) error {
	m.mu.Lock()
	m.loggers = slices.DeleteFunc(m.loggers, func(other *zap.Logger) bool { return other == logger })
	if n := len(m.loggers); n > 0 {
		m.newest.Store(m.loggers[n-1])
	}
	m.mu.Unlock()
	return m.Release()
}

// Hold is a further use, for what a configuration's cleanup may end later than the app: Caddy cleans up in any
// order. Each call must be followed by one of Release.
func (m *Membership) Hold() { pool.LoadOrStore(m.key, m) }

// Release ends a use. After the last one the member leaves the cluster, and the connection is closed.
func (m *Membership) Release() error {
	_, err := pool.Delete(m.key)
	return err
}

// Destruct implements caddy.Destructor.
func (m *Membership) Destruct() error {
	m.Member.Close()
	if err := m.connection.Close(); err != nil {
		return fmt.Errorf("closing the connection to the cluster: %w", err)
	}
	return nil
}

// Current returns the member that joined last of those in use; nil if there is no cluster. While a reload changes
// the cluster, there are two.
func Current() *cluster.Member {
	var newest *Membership
	pool.Range(func(_, pooled any) bool {
		if m, ok := pooled.(*Membership); ok && (newest == nil || m.joined.After(newest.joined)) {
			newest = m
		}
		return true
	})
	if newest == nil {
		return nil
	}
	return newest.Member
}

// Interface guards
var _ caddy.Destructor = (*Membership)(nil)
