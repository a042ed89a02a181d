package app_test

import (
	"testing"

	_ "github.com/sse-bridge/caddy-sse-bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestMain(m *testing.M) { testsite.Main(m) }
