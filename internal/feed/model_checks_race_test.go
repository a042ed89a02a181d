//go:build race

package feed

// sharedChecks is how many scripts of nodes that share polls are tried of each kind: few, since they take long under
// the race detector. More are tried without it.
const sharedChecks = "1"
