// Package cluster is what an engine needs to connect several nodes of sse_bridge: a message bus. An engine is a
// Caddy module in the namespace `sse_bridge.cluster` that is an [Engine]. Package clustertest checks one.
//
// The bridge asks little of a bus: messages may be lost, and nothing is stored. A lost message costs a poll, and never
// an event.
package cluster

import (
	"io"

	"go.uber.org/zap"
)

// Engine makes the connection to a bus. Its settings are those of the module, which have been checked when the module
// was provisioned.
type Engine interface {
	// Connect returns a connection, which the bridge closes. It does not wait for the network: an engine that cannot
	// be reached is no error. The connection tries for ever, and writes one warning to the logger for each outage that
	// is more than a moment, and one for each further reason that it learns. An error means that the settings cannot work.
	Connect(logger *zap.Logger) (Connection, error)
}

// Connection is a bus that somebody closes.
type Connection interface {
	Bus
	io.Closer // it ends all subscriptions, and gives up what has not been sent
}

// Bus carries messages between nodes, at most once. Its methods may be called by any goroutine.
type Bus interface {
	// Publish sends a message to all nodes that subscribe to the topic now, except this one. The messages of one
	// node on one topic arrive in their order, if they arrive. Publish does not wait for the network, and does not
	// keep the message after it has returned. While the engine is away, Publish fails: nothing is kept for later. It
	// also fails if the message is too large, or more is waiting to be sent than the engine holds.
	//
	// A topic has 1 to 64 characters of a-z, 0-9, `-` and `_`.
	Publish(topic string, message []byte) error

	// Subscribe calls heard for each message on a topic, one after another. It returns once the engine knows, or fails.
	// The subscription outlives reconnects. heard must not block, and must not keep the message after it has returned.
	// A node may subscribe to a topic more than once: each subscription hears all. If Subscribe fails, heard is never
	// called.
	Subscribe(topic string, heard func(message []byte)) (Subscription, error)

	// State reports whether the bus is up: messages have gone both ways within the last seconds, or would have.
	// changed is closed at the next change of that, and also when messages were dropped, or a reconnect has
	// succeeded: whoever waits for a message asks again then. A bus that was closed is down.
	State() (up bool, changed <-chan struct{})

	// Largest is the size of the largest message in bytes.
	Largest() int
}

// Subscription is a topic that a node listens to.
type Subscription interface {
	// Unsubscribe ends it, also while the engine is away. heard may be running, and is not called again after that.
	Unsubscribe() error
}
