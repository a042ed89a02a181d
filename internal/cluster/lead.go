package cluster

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

const (
	// repeat is how often the node that polls says so at least: what the loss of one message on a quiet feed can cost.
	repeat = 3 * time.Second
	// slow is how long a poll takes at most before its node says that it is still there.
	slow = 600 * time.Millisecond
	// late is how late a sign of the node that polls may be.
	late = 1200 * time.Millisecond
	// held is how long an answer must have taken that an upstream has held.
	held = time.Second
	// stagger is the time between the nodes that would take over, so that only one of them does.
	stagger = 150 * time.Millisecond
)

// lead is who polls for all nodes, as far as this one knows.
type lead struct {
	claim

	poller  nodeID    // zero: nobody
	chain   string    // of this node, which polls; empty: none does
	head    string    // where the poller polls from
	moved   time.Time // when this node has heard that it does
	overdue time.Time // when the next sign of the poller is
	vacant  time.Time // since when nobody polls
	gone    bool      // the poller was lost, and did not yield
	count   uint64    // the number of the newest message of the poller
	said    uint64    // that of this node's own
	due     time.Time // when the chain polls
	flying  bool      // its poll is under way
	out     bool      // the upstream is away
	shy     bool      // this node has polled last, and got no answer: others go first
	known   bool      // this node has heard of it, or polls itself: lapse is the newest
	before  []hearing // what was heard before its poll was sent
}

// leads reports whether a chain of this node polls for all.
func (l *lead) leads(chain string) bool { return l.chain != "" && l.chain == chain }

// newer reports whether a claim of a node counts more than the one that is known.
func (l *lead) newer(c claim, node nodeID) bool {
	if l.poller == (nodeID{}) {
		return c.term >= l.term
	}
	return c.term > l.term || c.term == l.term && string(node[:]) < string(l.poller[:])
}

// newLapse names an outage of the upstream, or the beginning of another sequence.
func newLapse() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.BigEndian.Uint64(b[:]) | 1
}
