// Package cluster kills the nodes of a cluster, and the servers that connect them, while clients listen. All of them are
// processes; only the upstream and the clients are in the test's own.
package cluster

import (
	"flag"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/leaks"
)

var (
	engineName = flag.String("engine", "nats", "what connects the nodes: nats, debian (one nats-server of Debian), redis")
	deaths     = flag.Int("kills", 0, "how many kills the kill test makes; 0: six, or 60 under make soak")
)

func TestMain(m *testing.M) {
	flag.Parse()
	testsite.Main(m, leaks.Check())
}
