//go:build race

package clustertest

// raced says that the race detector runs.
const raced = true
