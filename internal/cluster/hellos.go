package cluster

import (
	"slices"
	"time"
)

const (
	// listening is how long a node counts as one that has the feed, after its last hello.
	listening = 30 * time.Second
	// greet is how often a node says hello that follows another one.
	greet = 10 * time.Second
	// maxGreet is how often it does if it has never heard of another one, in the end.
	maxGreet = 10 * time.Minute
)

// hellos is which other nodes have the feed.
type hellos struct {
	nodes   map[nodeID]*listener
	asked   uint64        // the number of this node's last hello
	need    uint64        // of a document, only what was asked for after the others have heard this one counts
	greeted time.Time     // when that was
	every   time.Duration // until the next one
	proof   proof         // of what a chain had before a hello
	hurried time.Time     // the reader for whom a peer was asked to hurry
}

// proof is the hello that was said after the newest event of a chain came.
type proof struct {
	came  time.Time
	asked uint64
}

// listener is another node that has the feed.
type listener struct {
	asks  uint64    // its newest hello
	asked time.Time // when that came
	came  time.Time // when it was heard of last
}

// listBefore returns what was heard of the other nodes before a time, and what of it was in an earlier list.
func (h *hellos) listBefore(t time.Time, earlier []hearing) []hearing {
	all := slices.Clone(earlier)
	for id, l := range h.nodes {
		if l.asked.Before(t) {
			all = append(all, hearing{id, l.asks})
		}
	}
	return all
}

// list returns what was heard of the other nodes.
func (h *hellos) list() (all []hearing) {
	for id, l := range h.nodes {
		all = append(all, hearing{id, l.asks})
	}
	return all
}
