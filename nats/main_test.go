package nats

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain panics where goroutines are left: that is no fault of one test, which could be run again.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			panic(fmt.Errorf("after all tests have passed: %w", err))
		}
	}
	os.Exit(code)
}
