package adapt

import (
	"testing"

	_ "github.com/sse-bridge/caddy-sse-bridge"
	_ "github.com/sse-bridge/caddy-sse-bridge/internal/testengine"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	_ "github.com/sse-bridge/caddy-sse-bridge/nats"
	_ "github.com/sse-bridge/caddy-sse-bridge/redis"

	"github.com/sse-bridge/caddy-sse-bridge/test/leaks"
)

func TestMain(m *testing.M) { testsite.Main(m, leaks.Check()) }
