// Package poorwire makes bad connections to upstreams.
package poorwire

import (
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
)

// New lays a toxiproxy to an upstream. It may be stopped, and started again at the same address.
func New(t *testing.T, upstream string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "upstream", testport.Free(t), upstream)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}
