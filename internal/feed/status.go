package feed

import "time"

// State is a fixed word for how a feed's upstream is.
type State string

// The states of a feed.
const (
	Fresh State = "new"     // its upstream has not answered yet
	Up    State = "up"      // the last poll was answered
	Down  State = "down"    // polls bring nothing to read, and are backed off
	Shut  State = "refused" // the upstream has refused the poll for good; clients that come now get that status
)

// Status is the state of a feed at one moment, for operators. The cursor is the only text in it that comes
// from the upstream or a client.
type Status struct {
	State  State
	Reason string    // why it is Down or Shut, in one of a few fixed texts
	Since  time.Time // since when the state is so
	Denied int       // the status of HTTP with which it is Shut; 0 where it is not

	Warnings Warnings // those that hold, beside that of a feed that is Shut

	Cursor  string // the position of the oldest chain, as an event id; empty where there is none
	Clients int
	Waiting int // of them, those that wait for a chain
	Chains  int

	Polling time.Time     // when the oldest chain's poll that is under way was sent; zero: there is none
	Next    time.Time     // when that chain polls next, unless nobody wants it; zero while Polling
	Backoff time.Duration // for how long an upstream that is Down is not polled; 0 where it is not

	Standing

	LogEvents int // in all chains' logs
	LogBytes  int64

	Tally
}

// Warned returns the warnings that hold.
func (s *Status) Warned() []Warning {
	all := s.Warnings.All()
	if s.State == Shut {
		all = append([]Warning{RefusalOf(s.Denied)}, all...)
	}
	return all
}

// Tally is what has become of a feed's polls since it began.
type Tally struct {
	Last                         LastPoll // the last poll that came back
	Polls, Errors, Events, Saved int64    // Errors counts refusals too
}

// LastPoll is a poll that came back.
type LastPoll struct {
	At      time.Time // when it was sent; zero: there was none
	Took    time.Duration
	Outcome Outcome
	Status  int // of HTTP; 0 where there was no answer
	Events  int
}

// poll counts a finished poll.
func (t *Tally) poll(poll LastPoll, saved int) {
	t.Last = poll
	if poll.Outcome != Shared {
		t.Polls++
	}
	t.Events += int64(poll.Events)
	t.Saved += int64(saved)
	if poll.Outcome == Failed || poll.Outcome == Declined {
		t.Errors++
	}
}

// came counts events of a poll that goes on.
func (t *Tally) came(poll LastPoll) {
	t.Last = poll
	t.Events += int64(poll.Events)
}

// chain adds a chain of the feed.
func (s *Status) chain(c *chain) {
	s.Chains++
	s.Clients += len(c.audience.readers)
	s.Warnings |= warningsOf(c, time.Now())
	s.LogEvents += c.log.events
	s.LogBytes += c.log.bytes
}

// head tells of the oldest chain, whose request was sent then.
func (s *Status) head(c *chain, sent time.Time) {
	if s.Cursor = c.progress.at.ID(); c.feed.config.Document {
		s.Cursor = c.document.key
	}
	if c.pace.polling {
		s.Polling = sent
	} else {
		s.Next = c.pace.next
	}
	if k := &c.feed.circuit; k.open {
		s.Backoff = max(k.next.Sub(k.last), 0)
		if s.Polling.IsZero() {
			s.Next = later(s.Next, k.next)
		}
	}
}
