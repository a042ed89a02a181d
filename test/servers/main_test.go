package servers

import (
	"flag"
	"fmt"
	"os"
	"testing"

	_ "github.com/sse-bridge/caddy-sse-bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/leaks"
)

// A connection that was reset may leave its last link behind.
func TestMain(m *testing.M) {
	// tests in parallel are those of the suggestions, all of which wait for one another
	if err := flag.Set("test.parallel", "100"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testsite.Main(m, leaks.Check("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}
