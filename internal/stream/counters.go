package stream

import (
	"sync/atomic"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// The reasons why clients get no stream.
const (
	RejectedLimit   = "limit"
	RejectedRefused = string(feed.Refused)
	RejectedEnded   = string(feed.Ended)
)

// The limits over which clients get no stream, as the Caddyfile names them.
const (
	LimitClients      = "clients"
	LimitClientsPerIP = "clients_per_ip"
	LimitFeeds        = "feeds"
	LimitStreams      = "streams"
)

// counters count what the streams of a bridge do. Writing a batch costs two additions.
type counters struct {
	born       time.Time
	opened     atomic.Int64
	taken      atomic.Int64
	deliveries atomic.Int64
	bytes      atomic.Int64
	ended      tallies
	rejected   tallies
	over       tallies // those that were rejected by a limit
}

func newCounters() *counters {
	return &counters{
		born: time.Now(),
		ended: newTallies(string(feed.Gone), string(feed.Slow), string(feed.Lifetime),
			string(feed.Ended), string(feed.Refused), string(feed.Stopping), string(feed.Busy)),
		rejected: newTallies(RejectedLimit, RejectedRefused, RejectedEnded),
		over:     newTallies(LimitClients, LimitClientsPerIP, LimitFeeds, LimitStreams),
	}
}

// clock returns how long there have been streams. Its times are smaller than those of other clocks.
func (c *counters) clock() time.Duration { return time.Since(c.born) }

// Totals are what streams have done since their bridge began.
type Totals struct {
	Opened          int64 // streams
	Taken           int64 // those whose connection was taken over
	Deliveries      int64 // events, each counted for each client
	Bytes           int64 // written
	Ended, Rejected []Labelled
	Over            []Labelled // of those rejected by a limit: by which one
}

// Add adds the totals of other streams.
func (t *Totals) Add(other Totals) {
	t.Opened += other.Opened
	t.Taken += other.Taken
	t.Deliveries += other.Deliveries
	t.Bytes += other.Bytes
	for _, both := range [][2][]Labelled{{t.Ended, other.Ended}, {t.Rejected, other.Rejected}, {t.Over, other.Over}} {
		for i := range both[0] {
			both[0][i].add(both[1][i])
		}
	}
}

// Labelled is a value with the value of the metric's own label.
type Labelled struct {
	Label string
	Value int64
	Last  time.Time // when one more was counted, where that is known; the zero time: never
}

func (l *Labelled) add(other Labelled) {
	l.Value += other.Value
	if other.Last.After(l.Last) {
		l.Last = other.Last
	}
}

// tallies count by the words of a fixed list.
type tallies struct {
	words  []string
	counts []atomic.Int64
	last   []atomic.Int64 // when one more was counted, in nanoseconds of Unix time
}

func newTallies(words ...string) tallies {
	return tallies{words: words, counts: make([]atomic.Int64, len(words)), last: make([]atomic.Int64, len(words))}
}

// add counts one more, and returns the count of that word.
func (t tallies) add(word string) int64 {
	for i := range t.words {
		if t.words[i] == word {
			t.last[i].Store(time.Now().UnixNano())
			return t.counts[i].Add(1)
		}
	}
	return 0
}

func (t tallies) load() []Labelled {
	all := make([]Labelled, len(t.words))
	for i, word := range t.words {
		all[i] = Labelled{Label: word, Value: t.counts[i].Load()}
		if last := t.last[i].Load(); last > 0 {
			all[i].Last = time.Unix(0, last)
		}
	}
	return all
}
