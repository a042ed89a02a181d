package testsite

import (
	"os"
)

// Soak returns the full size of a long test under `make soak`, and else a shorter one.
func Soak(short, full int) int {
	if os.Getenv("SOAK") != "" {
		return full
	}
	return short
}
