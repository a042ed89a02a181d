package cluster

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// station is the node of a share, as far as the share needs it.
type station interface {
	// up reports whether the bus can be relied on, or could a moment ago.
	up() bool
	// heard notes a sign of life of a node.
	heard(id nodeID, now time.Time)
	// connected reports whether the bus is up.
	connected() bool
	// alive reports whether a node is there.
	alive(id nodeID) bool
	// departed reports whether a node has said that it leaves.
	departed(id nodeID) bool
	// nameOf returns the name of a node.
	nameOf(id nodeID) string
	// publish sends a sealed message to the other nodes. What cannot be sent is lost.
	publish(topic string, message []byte)
	// largest is the size of the largest message.
	largest() int
	// drop counts a message that could not be read.
	drop(err error)
	// tookOver counts a feed that this node polls from now on, since another one is gone.
	tookOver()
	// paired notes that another node has a feed, too.
	paired()
	// part is told that a share has been closed. Locks of its feed may be held.
	part(s *Share, subscription cluster.Subscription)
}
