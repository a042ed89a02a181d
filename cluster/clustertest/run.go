// Package clustertest checks that an engine keeps the promises of package cluster. An engine's own tests run it:
//
//	func TestTheContract(t *testing.T) {
//		clustertest.Run(t, clustertest.Engine{Serve: func(t testing.TB) clustertest.Server { … }})
//	}
//
// It takes some seconds against a server on the same machine. The race detector finds more.
package clustertest

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
)

// Engine is what is tested.
type Engine struct {
	// Serve makes a server with an address of its own, which does not run yet. Each promise is checked on a server of
	// its own. Serve registers with t.Cleanup what ends the server; connections are closed before that.
	Serve func(t testing.TB) Server

	// Routed says that two connections may be to different servers, which tell each other of a subscription a moment
	// after Subscribe has returned. What is published within that moment may be lost.
	Routed bool
}

// Server is a server of the engine, or several that act as one.
type Server interface {
	// Engine returns an engine that knows the address of the server, as it is after it was provisioned.
	Engine() cluster.Engine

	// Start runs the server, also again and at the same address. It returns when the server takes connections.
	Start()

	// Kill ends the server and its connections at once.
	Kill()
}

// Freezer is a Server that can fall silent while its connections stay open, as a process does that is stopped, or a
// network that drops packets. A server need not be one.
type Freezer interface {
	Server
	Freeze()
	Thaw()
}

// promise is something that package cluster says of each engine.
type promise struct {
	name  string
	check func(s *scene)
}

// promises are all that are checked.
var promises = []promise{
	{"messages arrive at all others, once and in order", arrive},
	{"a node does not hear itself", noEcho},
	{"topics are apart", topicsApart},
	{"each subscription of a topic hears it", subscribedTwice},
	{"Subscribe returns once the engine knows", subscribedAtOnce},
	{"a subscription that has ended hears no more", unsubscribed},
	{"a message of the largest size arrives, and a larger one is an error", sizes},
	{"nothing is lost in silence", overrun},
	{"goroutines may do all at the same time", concurrent},
	{"topics cost no goroutines", manyTopics},
	{"while the engine is away, Publish and Subscribe fail", away},
	{"an outage is told, and warned of once", outageIsTold},
	{"subscriptions outlive an outage", subscriptionsOutlive},
	{"a short outage is told", shortOutage},
	{"a server that is silent is away", frozen},
	{"a server need not run yet", lateServer},
	{"Close ends all", closed},
	{"Close leaves no goroutine", closedLeavesNothing},
}

// Run checks each promise in a test of its own.
func Run(t *testing.T, e Engine) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(&scene{TB: t, server: e.Serve(t), routed: e.Routed}) })
	}
}
