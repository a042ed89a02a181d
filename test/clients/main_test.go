package clients

import (
	"testing"

	_ "github.com/sse-bridge/caddy-sse-bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/leaks"
)

// A client that is stopped while it waits to reconnect sleeps on.
func TestMain(m *testing.M) {
	testsite.Main(m, leaks.Check("github.com/donovanhide/eventsource.(*Stream).retryRestartStream"))
}
