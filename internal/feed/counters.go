package feed

import (
	"slices"
	"sync"
	"time"
)

// Outcome is a fixed word for the result of a poll, for logs and metrics.
type Outcome string

// The outcomes of polls.
const (
	News      Outcome = "news"      // it brought events, or moved the cursor
	Silent    Outcome = "no_news"   // it was answered, and brought neither
	Failed    Outcome = "error"     // it brought nothing that could be read
	Declined  Outcome = "refused"   // by the upstream, with a 4xx or a redirect elsewhere
	Abandoned Outcome = "abandoned" // nobody was left for its answer, or another node made the same poll
	Shared    Outcome = "shared"    // another node has polled
)

// Outcomes are all outcomes.
var Outcomes = [...]Outcome{News, Silent, Failed, Declined, Abandoned, Shared}

// Resets are the reasons of all bridge.reset notices.
var Resets = [...]string{string(unknownID), string(gap), string(ordered), string(restarted), string(yielded)}

// DurationBounds are the upper bounds of the buckets in which the durations of polls are counted,
// in seconds. One more bucket holds what is longer.
var DurationBounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Counters count for the feeds of a bridge, beyond the lives of the feeds. The zero value is ready for use.
// They lock for a moment at each poll. Deliveries are not counted here.
type Counters struct {
	mu     sync.Mutex
	counts Counts
}

// Counts are what [Counters] say at one moment.
type Counts struct {
	Polls     [len(Outcomes)]int64           // by the index of their outcome in Outcomes
	Durations [len(DurationBounds) + 1]int64 // of the polls that were made here and not abandoned, by bucket
	Took      time.Duration                  // the sum of these
	Saved     int64                          // for each poll, the number of clients that it served minus one
	Events    int64                          // that polls brought
	Resets    [len(Resets)]int64             // by the index of their reason in Resets
	Chains    int64                          // that there are now
	Down      int64                          // feeds whose last poll brought nothing to read
}

// Load returns the counts of one moment.
func (k *Counters) Load() Counts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counts
}

// gauge changes how many chains there are, and how many feeds are down.
func (k *Counters) gauge(chains, down int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Chains += chains
	k.counts.Down += down
}

// poll counts a poll that is over.
func (k *Counters) poll(poll LastPoll, saved int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Polls[slices.Index(Outcomes[:], poll.Outcome)]++
	if poll.Outcome == Abandoned {
		return
	}
	if poll.Outcome != Shared {
		bucket, _ := slices.BinarySearch(DurationBounds[:], poll.Took.Seconds())
		k.counts.Durations[bucket]++
		k.counts.Took += poll.Took
	}
	k.counts.Saved += int64(saved)
	k.counts.Events += int64(poll.Events)
}

// came counts events of a poll that goes on.
func (k *Counters) came(events int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Events += int64(events)
}

func (k *Counters) reset(reason reset) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts.Resets[slices.Index(Resets[:], string(reason))]++
}

// Add adds the counts of another bridge.
func (c *Counts) Add(other Counts) {
	for i, n := range other.Polls {
		c.Polls[i] += n
	}
	for i, n := range other.Durations {
		c.Durations[i] += n
	}
	for i, n := range other.Resets {
		c.Resets[i] += n
	}
	c.Took += other.Took
	c.Saved += other.Saved
	c.Events += other.Events
	c.Chains += other.Chains
	c.Down += other.Down
}
