package nats

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/cluster/clustertest"
)

func TestOneServerKeepsTheContract(t *testing.T) {
	clustertest.Run(t, clustertest.Engine{Serve: func(t testing.TB) clustertest.Server { return newServers(t, 1, nil) }})
}

func TestAClusterOfServersKeepsTheContract(t *testing.T) {
	clustertest.Run(t, clustertest.Engine{
		Serve:  func(t testing.TB) clustertest.Server { return newServers(t, 3, nil) },
		Routed: true,
	})
}

func TestTheServerOfDebianKeepsTheContract(t *testing.T) {
	program(t)
	clustertest.Run(t, clustertest.Engine{Serve: func(t testing.TB) clustertest.Server { return newProcess(t) }})
}
