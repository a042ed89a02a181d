package e2e

import (
	"testing"

	_ "github.com/sse-bridge/caddy-sse-bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/leaks"
)

// A connection that was reset may leave its last link behind.
func TestMain(m *testing.M) {
	testsite.Main(m, leaks.Check("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}
