package cluster

import "time"

// Status is the state of a cluster at one moment, as a member sees it.
type Status struct {
	Up    bool      // the bus is
	Since time.Time // since when it is so
	ID    string    // of this node: eight hexadecimal digits, which are new at each start
	Name  string    // of this node
	Nodes []Node    // the others that are there, by their names

	Takeovers int64 // feeds that this node took over from a node that was gone
	Dropped   int64 // messages that could not be opened or read
}

// Node is a node of the cluster.
type Node struct {
	ID, Name, Version string
	Heard             time.Time // when its last sign of life came
	Differs           string    // how it differs from this node, in a few words; empty: it does not
}
