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
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
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
	name    string
	check   func(s *scene)
	freezes bool // only a Freezer can show it
}

// promises are all that are checked.
var promises = []promise{
	{name: "messages arrive at all others, once and in order", check: arrive},
	{name: "a node does not hear itself", check: noEcho},
	{name: "topics are apart", check: topicsApart},
	{name: "each subscription of a topic hears it", check: subscribedTwice},
	{name: "Subscribe returns once the engine knows", check: subscribedAtOnce},
	{name: "a subscription that has ended hears no more", check: unsubscribed},
	{name: "a message of the largest size arrives, and a larger one is an error", check: sizes},
	{name: "nothing is lost in silence", check: overrun},
	{name: "goroutines may do all at the same time", check: concurrent},
	{name: "topics cost no goroutines", check: manyTopics},
	{name: "while the engine is away, Publish and Subscribe fail", check: away},
	{name: "an outage is told, and warned of once", check: outageIsTold},
	{name: "subscriptions outlive an outage", check: subscriptionsOutlive},
	{name: "a short outage is told", check: shortOutage},
	{name: "a server that is silent is away", check: frozen, freezes: true},
	{name: "a server need not run yet", check: lateServer},
	{name: "Close ends all", check: closed},
	{name: "Close leaves no goroutine", check: closedLeavesNothing},
}

// Run checks each promise in a test of its own. What only a Freezer can show is checked if the server is one.
func Run(t *testing.T, e Engine) {
	_, freezes := e.Serve(t).(Freezer)
	for _, p := range promises {
		if p.freezes && !freezes {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			p.check(&scene{TB: t, server: e.Serve(t), routed: e.Routed, clock: testclock.New(t)})
		})
	}
}
