package pages

import (
	"testing"

	_ "github.com/sse-bridge/caddy-sse-bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/leaks"
)

func TestMain(m *testing.M) { testsite.Main(m, leaks.Check()) }
