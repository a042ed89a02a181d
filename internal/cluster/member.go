// Package cluster has several nodes poll each feed once. It knows no engine and no Caddy: it talks over a
// [cluster.Bus], and wraps what a feed polls.
//
// A node that polls tells the others what each poll came to. A chain of another node takes that only if it stands where
// the poll began, or within its page. Else it polls for itself. So the bus may lose, double and delay messages: that
// costs polls, and never an event.
package cluster

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

const (
	// beat is the time between two signs of life of a node.
	beat = 150 * time.Millisecond
	// lost is how long a node has been silent that counts as gone.
	lost = 600 * time.Millisecond
	// away is how long the bus has been down when each node polls for itself.
	away = time.Second
)

// Settings are what a member says of itself.
type Settings struct {
	Name    string // of the node, for operators; such as its host name
	Version string // of the module
	Logger  *zap.Logger
}

// Member is a node of the cluster. Its methods may be called by any goroutine.
type Member struct {
	id       nodeID
	bus      cluster.Bus
	settings Settings
	packer   *packer
	done     chan struct{} // closed: it leaves
	ended    sync.WaitGroup

	takeovers, dropped atomic.Int64
	pairs              atomic.Bool  // a feed has found another node that has it
	warned             atomic.Bool  // of a message that cannot be opened
	downSince          atomic.Int64 // in nanoseconds since the epoch; 0: the bus is up
	changed            atomic.Int64 // when that changed last

	mu      sync.Mutex
	left    bool
	nodes   nodes
	shares  map[*Share]struct{}
	shared  uint64   // how many shares there were
	joining []*Share // that the bus does not know yet
	busy    bool     // somebody tells it
	parting []cluster.Subscription
	lines   int       // about nodes, of the last minute
	wrote   time.Time // when that began
	lonely  time.Time // since when there are feeds and other nodes, and no feed has found one; zero: that is not so
}

// New joins the cluster of a bus. The member has to be closed before the bus is.
func New(bus cluster.Bus, settings Settings) *Member {
	m := &Member{
		id: newID(), bus: bus, settings: settings, packer: newPacker(),
		done: make(chan struct{}), shares: make(map[*Share]struct{}),
	}
	m.nodes.self = Node{Name: settings.Name, Version: settings.Version}
	m.changed.Store(time.Now().UnixNano())
	m.ended.Go(m.live)
	return m
}

// Share shares the polls of a feed, until the share is closed.
func (m *Member) Share(of Feed, with Sharer) (*Share, error) {
	s, err := newShare(m.id, m, m.packer, of, with)
	if err != nil {
		return nil, fmt.Errorf("sharing a feed: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shared++
	s.said = m.shared << 32 // a feed that is shared again goes on above that of before
	m.shares[s] = struct{}{}
	m.nodes.serve(of.Bridge, 1)
	m.enroll(s)
	return s, nil
}

// Close leaves the cluster, and tells the other nodes. It waits until the member no longer uses the bus. Shares that
// are left poll for themselves.
func (m *Member) Close() {
	m.mu.Lock()
	if m.left {
		m.mu.Unlock()
		return
	}
	m.left = true
	shares := m.list()
	m.mu.Unlock()
	for _, s := range shares {
		s.Close()
	}
	close(m.done)
	m.ended.Wait()
}

// list returns all shares. m.mu is held.
func (m *Member) list() []*Share {
	all := make([]*Share, 0, len(m.shares))
	for s := range m.shares {
		all = append(all, s)
	}
	return all
}

// Status returns how the cluster is.
func (m *Member) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{
		Up: m.downSince.Load() == 0, Since: time.Unix(0, m.changed.Load()), ID: m.id.String(), Name: m.settings.Name,
		Nodes: m.nodes.list(time.Now()), Takeovers: m.takeovers.Load(), Dropped: m.dropped.Load(),
	}
	return s
}

// up reports whether the bus can be relied on, or could a moment ago.
func (m *Member) up() bool {
	since := m.downSince.Load()
	return since == 0 || time.Now().UnixNano()-since < int64(away)
}

// connected reports whether the bus is up.
func (m *Member) connected() bool { return m.downSince.Load() == 0 }

// paired notes that another node has a feed, too.
func (m *Member) paired() { m.pairs.Store(true) }

func (m *Member) tookOver() { m.takeovers.Add(1) }

// drop counts a message that could not be read. One warning is enough to look for who has sent it.
func (m *Member) drop(err error) {
	m.dropped.Add(1)
	if !m.warned.Swap(true) {
		m.settings.Logger.Warn("a message of the cluster was dropped: somebody else publishes under its prefix", zap.Error(err))
	}
}

// publish sends a message to the other nodes. What cannot be sent is lost: the bus says so by its state.
func (m *Member) publish(topic string, message []byte) {
	if err := m.bus.Publish(topic, message); err != nil {
		m.settings.Logger.Debug("a message to the cluster was not sent", zap.Error(err))
	}
}

// alive reports whether a node is there.
func (m *Member) alive(id nodeID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes.alive(id, time.Now())
}

// heard notes a sign of life of a node.
func (m *Member) heard(id nodeID, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := m.nodes.others[id]; o != nil && !o.left {
		o.Heard, o.gone = now, false
	}
}

// departed reports whether a node has said that it leaves.
func (m *Member) departed(id nodeID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.nodes.others[id]
	return o != nil && o.left
}

// nameOf returns the name of a node.
func (m *Member) nameOf(id nodeID) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes.nameOf(id)
}

func (m *Member) largest() int { return m.bus.Largest() }

// Interface guards
var _ station = (*Member)(nil)
