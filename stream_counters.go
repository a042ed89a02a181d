package ssebridge

import (
	"sync/atomic"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// The reasons for which clients get no stream.
const (
	rejectedLimit   = "limit"
	rejectedRefused = string(feed.Refused)
	rejectedEnded   = string(feed.Ended)
)

// streamCounters count what the streams of a bridge do. Writing a batch costs two additions.
type streamCounters struct {
	opened     atomic.Int64
	deliveries atomic.Int64
	bytes      atomic.Int64
	ended      tallies
	rejected   tallies
}

func newStreamCounters() *streamCounters {
	return &streamCounters{
		ended: newTallies(string(feed.Gone), string(feed.Slow), string(feed.Lifetime),
			string(feed.Ended), string(feed.Refused), string(feed.Stopping)),
		rejected: newTallies(rejectedLimit, rejectedRefused, rejectedEnded),
	}
}

// tallies count by a word of a list that is fixed.
type tallies struct {
	words  []string
	counts []atomic.Int64
}

func newTallies(words ...string) tallies {
	return tallies{words: words, counts: make([]atomic.Int64, len(words))}
}

// add counts one more, and returns how many of that word there were by now.
func (t tallies) add(word string) int64 {
	for i := range t.words {
		if t.words[i] == word {
			return t.counts[i].Add(1)
		}
	}
	return 0
}

func (t tallies) load() []labelled {
	all := make([]labelled, len(t.words))
	for i, word := range t.words {
		all[i] = labelled{word, t.counts[i].Load()}
	}
	return all
}

// labelled is a value, and that of the metric's own label.
type labelled struct {
	label string
	value int64
}
