package ssebridge

import (
	"os"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// asCaddy is the environment variable that makes the test binary a Caddy with this module, for
// what can be seen only from outside of a process.
const asCaddy = "SSE_BRIDGE_TEST_AS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}
