package redis

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/cluster/clustertest"
)

func TestTheContractHoldsInTheTestsProcess(t *testing.T) {
	clustertest.Run(t, clustertest.Engine{Serve: newMini})
}

func TestTheContractHoldsWithRedisServer(t *testing.T) {
	clustertest.Run(t, clustertest.Engine{Serve: func(t testing.TB) clustertest.Server { return newProcess(t) }})
}
