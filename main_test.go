package ssebridge

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"go.uber.org/goleak"
)

// asCaddy is the environment variable that makes the test binary a Caddy with this module, for
// what can be seen only from outside of a process.
const asCaddy = "SSE_BRIDGE_TEST_AS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := leaked(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// leaked returns an error with the goroutines that are left.
func leaked() (err error) {
	for range 3 { // each waits for a second or more, as long as a watchdog takes to see that it may go
		if err = goleak.Find(
			goleak.IgnoreTopFunction("github.com/DeRuina/timberjack.(*Logger).millRun"),         // a rotated log keeps it when it is closed
			goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"),      // it looks every five seconds whether it may go
			goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"), // a connection that was reset may leave its last link behind
		); err == nil {
			return nil
		}
	}
	return err
}
