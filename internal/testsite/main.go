package testsite

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"go.uber.org/goleak"
)

// AsCaddy is the environment variable that makes a test binary a Caddy with the modules that it imports,
// for what can be seen only from outside of a process.
const AsCaddy = "SSE_BRIDGE_TEST_AS_CADDY"

// Main runs the tests of a package, in the repository's root, so that paths are those of the documents.
// It fails if goroutines are left, except those that run one of the functions that are named. It does not
// return.
func Main(m *testing.M, ignored ...string) {
	if os.Getenv(AsCaddy) != "" {
		caddycmd.Main()
		return
	}
	if err := os.Chdir(Root()); err != nil {
		fmt.Fprintln(os.Stderr, "going to the repository's root:", err)
		os.Exit(1)
	}
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := leaked(ignored); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Root is the repository's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// leaked returns an error with the goroutines that are left.
func leaked(ignored []string) (err error) {
	ignore := []goleak.Option{
		goleak.IgnoreTopFunction("github.com/DeRuina/timberjack.(*Logger).millRun"),    // a rotated log keeps it when it is closed
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"), // it looks every five seconds whether it may go
	}
	for _, function := range ignored {
		ignore = append(ignore, goleak.IgnoreAnyFunction(function))
	}
	for range 3 { // each waits for a second or more, as long as a watchdog takes to see that it may go
		if err = goleak.Find(ignore...); err == nil {
			return nil
		}
	}
	return err
}
