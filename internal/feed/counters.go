package feed

import (
	"sync/atomic"
	"time"
)

// Outcome is a fixed word for what became of a poll, for logs and metrics.
type Outcome string

// The outcomes of polls.
const (
	News      Outcome = "news"      // it brought events, or moved the cursor
	Silent    Outcome = "no_news"   // it was answered, and brought neither
	Failed    Outcome = "error"     // it brought nothing that could be read
	Declined  Outcome = "refused"   // by the upstream, with a 4xx or a redirect elsewhere
	Abandoned Outcome = "abandoned" // nobody was left to whom its answer mattered
)

// Outcomes are all outcomes.
var Outcomes = [...]Outcome{News, Silent, Failed, Declined, Abandoned}

// Resets are the reasons of all bridge.reset notices.
var Resets = [...]string{string(unknownID), string(gap), string(ordered), string(restarted), string(yielded)}

// DurationBounds are the upper bounds of the buckets in which the durations of polls are counted,
// in seconds. One more bucket holds what is longer.
var DurationBounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Counters count what the feeds of a bridge do, over the feeds' own lives. The zero value is ready
// for use. Nothing in it locks or allocates.
type Counters struct {
	polls     [len(Outcomes)]atomic.Int64
	durations [len(DurationBounds) + 1]atomic.Int64
	took      atomic.Int64 // nanoseconds
	saved     atomic.Int64
	events    atomic.Int64
	resets    [len(Resets)]atomic.Int64
	chains    atomic.Int64
	down      atomic.Int64
}

// Counts are what [Counters] say at one moment.
type Counts struct {
	Polls     [len(Outcomes)]int64           // by the index of their outcome in Outcomes
	Durations [len(DurationBounds) + 1]int64 // of the polls that were not abandoned, by bucket
	Took      time.Duration                  // the sum of these
	Saved     int64                          // for each poll, the clients that it was made for, but one
	Events    int64                          // that polls brought
	Resets    [len(Resets)]int64             // by the index of their reason in Resets
	Chains    int64                          // that there are now
	Down      int64                          // feeds whose last poll brought nothing to read
}

// Load returns the counts. They are not of exactly the same moment.
func (k *Counters) Load() (c Counts) {
	for i := range k.polls {
		c.Polls[i] = k.polls[i].Load()
	}
	for i := range k.durations {
		c.Durations[i] = k.durations[i].Load()
	}
	for i := range k.resets {
		c.Resets[i] = k.resets[i].Load()
	}
	c.Took, c.Saved, c.Events = time.Duration(k.took.Load()), k.saved.Load(), k.events.Load()
	c.Chains, c.Down = k.chains.Load(), k.down.Load()
	return c
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

func (k *Counters) poll(outcome Outcome, took time.Duration, saved, events int) {
	for i, o := range Outcomes {
		if o == outcome {
			k.polls[i].Add(1)
		}
	}
	if outcome == Abandoned {
		return
	}
	bucket := 0
	for bucket < len(DurationBounds) && took.Seconds() > DurationBounds[bucket] {
		bucket++
	}
	k.durations[bucket].Add(1)
	k.took.Add(int64(took))
	k.saved.Add(int64(saved))
	k.events.Add(int64(events))
}

func (k *Counters) reset(reason reset) {
	for i, r := range Resets {
		if r == string(reason) {
			k.resets[i].Add(1)
		}
	}
}
