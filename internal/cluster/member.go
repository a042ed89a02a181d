// Package cluster shares polls between nodes.
package cluster

import (
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// Settings are what a member says of itself.
type Settings struct {
	Name    string // of the node, for operators; such as its host name
	Version string // of the module
	Logger  *zap.Logger
}

// Member is a node of the cluster.
type Member struct {
	bus      cluster.Bus
	settings Settings
}

// New joins the cluster of a bus. The member has to be closed before the bus.
func New(bus cluster.Bus, settings Settings) *Member {
	return &Member{bus: bus, settings: settings}
}

// Close leaves the cluster, and tells the other nodes. No share of the member may be in use.
func (m *Member) Close() {}

// Status is the state of a cluster at one moment, as a member sees it.
type Status struct {
	Up    bool      // the bus is
	Since time.Time // since when it is so
	ID    string    // of this node: eight hexadecimal digits, which are new at each start
	Name  string    // of this node
	Nodes []Node    // the others that are there, by their names

	Takeovers int64 // feeds that this node took over from a node that was gone
	Dropped   int64 // messages that could not be opened or read
	Shares    int   // feeds of this node that take part
}

// Node is another node.
type Node struct {
	ID, Name, Version string
	Heard             time.Time // when its last heartbeat came
	Differs           string    // how its bridges differ from those of this node, in a few words; empty: they do not
}

// Status returns how the cluster is.
func (m *Member) Status() Status {
	return Status{ID: "00000000", Name: m.settings.Name}
}
