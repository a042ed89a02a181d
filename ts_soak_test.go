package ssebridge

import (
	"os"
)

// soak returns the full size of a long test under `make soak`, and else a shorter one.
func soak(short, full int) int {
	if os.Getenv("SOAK") != "" {
		return full
	}
	return short
}
