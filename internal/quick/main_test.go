package quick

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }
