package page

import (
	"flag"
	"os"
	"testing"
)

// TestMain fixes the seed of what is drawn at random, so that each run tries the same documents;
// -rapid.seed and -rapid.checks search further.
func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "rapid.seed" })
	if !set {
		flag.Set("rapid.seed", "20261121")
	}
	os.Exit(m.Run())
}
