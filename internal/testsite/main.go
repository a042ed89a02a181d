package testsite

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// AsCaddy is the environment variable that makes a test binary a Caddy with the modules that it imports,
// for what can be seen only from outside of a process.
const AsCaddy = "SSE_BRIDGE_TEST_AS_CADDY"

// Main runs the tests of a package, in the repository's root, so that paths are those of the documents, and
// then the checks. It does not return. What a check finds is no fault of one test, which could be run again: Main panics.
func Main(m *testing.M, checks ...func() error) {
	if os.Getenv(AsCaddy) != "" {
		caddycmd.Main()
		return
	}
	if err := os.Chdir(Root()); err != nil {
		fmt.Fprintln(os.Stderr, "going to the repository's root:", err)
		os.Exit(1)
	}
	code := m.Run()
	for _, check := range checks {
		if err := check(); err != nil && code == 0 {
			panic(fmt.Errorf("after all tests have passed: %w", err))
		}
	}
	os.Exit(code)
}

// Root is the repository's folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}
