//go:build !race

package feed

// sharedChecks is how many scripts of nodes that share polls are tried of each kind.
const sharedChecks = "15"
