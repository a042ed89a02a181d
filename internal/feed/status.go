package feed

import "time"

// State is a fixed word for how a feed's upstream is.
type State string

// The states of a feed.
const (
	Fresh State = "new"     // its upstream has not answered yet
	Up    State = "up"      // the last poll was answered
	Down  State = "down"    // polls bring nothing to read, and are backed off
	Shut  State = "refused" // the upstream has refused the poll for good; who comes now gets that status
)

// Status is how a feed is at one moment, for operators. Of the upstream's and the clients' words it
// holds the cursor alone.
type Status struct {
	State  State
	Reason string    // why it is Down or Shut, in one of a few fixed texts
	Since  time.Time // when it came to be so

	Cursor  string // the position of the oldest chain, as an event id; empty where there is none
	Clients int
	Waiting int // of them, those who wait for a chain
	Chains  int

	Last    LastPoll      // the last poll that came back
	Polling time.Time     // when the oldest chain's poll that is under way was sent; zero: there is none
	Next    time.Time     // when that chain polls next, unless nobody wants it; zero while Polling
	Backoff time.Duration // what an upstream that is Down is left alone for; 0 where it is not

	LogEvents int // in all chains' logs
	LogBytes  int64

	Polls, Errors, Events, Saved int64 // since the feed began; Errors counts refusals too
}

// LastPoll is a poll that came back.
type LastPoll struct {
	At      time.Time // when it was sent; zero: there was none
	Took    time.Duration
	Outcome Outcome
	Status  int // of HTTP; 0 where there was no answer
	Events  int
}

// polled counts a poll of c that came back at the given time. The feed's lock is held.
func (c *chain) polled(now time.Time, outcome Outcome, status, events int) {
	f := c.feed
	took, saved := now.Sub(c.pace.started), max(len(c.audience.readers)-1, 0)
	f.config.Counters.poll(outcome, took, saved, events)
	f.polls++
	f.events += int64(events)
	f.saved += int64(saved)
	if outcome == Failed || outcome == Declined {
		f.errors++
	}
	f.last = LastPoll{At: c.pace.started, Took: took, Outcome: outcome, Status: status, Events: events}
}

// Status returns how the feed is. It holds the feed's lock for a moment.
func (f *Feed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{
		Clients: len(f.waiting), Waiting: len(f.waiting), Chains: len(f.chains), Last: f.last,
		Polls: f.polls, Errors: f.errors, Events: f.events, Saved: f.saved,
	}
	s.State, s.Reason, s.Since = f.health.state()
	for _, c := range f.chains {
		s.Clients += len(c.audience.readers)
		s.LogEvents += c.log.events
		s.LogBytes += c.log.bytes
	}
	if len(f.chains) == 0 {
		return s
	}
	head := f.chains[0]
	if s.Cursor = head.progress.at.ID(); f.config.Document {
		s.Cursor = head.document.key
	}
	if head.pace.polling {
		s.Polling = head.pace.started
	} else {
		s.Next = head.pace.next
	}
	if k := &f.circuit; k.open {
		s.Backoff = max(k.next.Sub(k.last), 0)
		if s.Polling.IsZero() {
			s.Next = later(s.Next, k.next)
		}
	}
	return s
}
