package bridge

import (
	"cmp"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Report is the state of a feed at one moment, for the admin API.
type Report struct {
	About
	State  feed.State `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Since  time.Time  `json:"since"`

	Warnings []Warning `json:"warnings"`

	Clients int    `json:"clients"`
	Waiting int    `json:"waiting"`
	Chains  int    `json:"chains"`
	Cursor  string `json:"cursor,omitempty"`

	LastPoll     *ReportedPoll `json:"last_poll,omitempty"`
	PollingSince *time.Time    `json:"polling_since,omitempty"`
	NextPoll     *time.Time    `json:"next_poll,omitempty"`
	Backoff      float64       `json:"backoff_seconds"`

	Polled       string `json:"polled,omitempty"` // as in [feed.Status], as the next two
	PolledBy     string `json:"polled_by,omitempty"`
	AloneBecause string `json:"alone_because,omitempty"`

	LogEvents int   `json:"log_events"`
	LogBytes  int64 `json:"log_bytes"`

	Polls      int64 `json:"polls"`
	Errors     int64 `json:"errors"`
	Events     int64 `json:"events"`
	PollsSaved int64 `json:"polls_saved"`
}

// ReportedPoll is a poll that came back.
type ReportedPoll struct {
	At      time.Time    `json:"at"`
	Seconds float64      `json:"seconds"`
	Outcome feed.Outcome `json:"outcome"`
	Status  int          `json:"status,omitempty"`
	Events  int          `json:"events"`
}

func NewReport(a About, s feed.Status) Report {
	r := Report{
		About: a, State: s.State, Reason: s.Reason, Since: s.Since.UTC(), Warnings: []Warning{},
		Clients: s.Clients, Waiting: s.Waiting, Chains: s.Chains, Cursor: s.Cursor[:min(len(s.Cursor), maxCursor)],
		PollingSince: moment(s.Polling), NextPoll: moment(s.Next), Backoff: s.Backoff.Seconds(),
		Polled: s.Polled, PolledBy: s.Node, AloneBecause: s.Alone,
		LogEvents: s.LogEvents, LogBytes: s.LogBytes,
		Polls: s.Polls, Errors: s.Errors, Events: s.Events, PollsSaved: s.Saved,
	}
	for _, w := range s.Warned() {
		r.Warnings = append(r.Warnings, warningOf(w))
	}
	if s.Waiting > 0 {
		r.Warnings = append(r.Warnings, waiting)
	}
	if last := s.Last; !last.At.IsZero() {
		r.LastPoll = &ReportedPoll{last.At.UTC(), last.Took.Seconds(), last.Outcome, last.Status, last.Events}
	}
	return r
}

// moment is nil for the zero time.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return new(at.UTC())
}

// Warned reports whether the feed has a warning, though it is neither down nor refused.
func (r *Report) Warned() bool {
	return r.State != feed.Down && r.State != feed.Shut && len(r.Warnings) > 0
}

// urgency returns a number: the smaller it is, the more important the feed is for an operator.
func (r *Report) urgency() int {
	switch {
	case r.State == feed.Down:
		return 0
	case r.State == feed.Shut:
		return 1
	case r.Warned():
		return 2
	case r.State == feed.Fresh:
		return 3
	}
	return 4
}

// ByUrgency compares two feeds. Feeds that are down come first, then those with warnings, then those with many
// clients.
func ByUrgency(a, b *Report) int {
	return cmp.Or(cmp.Compare(a.urgency(), b.urgency()), cmp.Compare(b.Clients, a.Clients),
		cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
}
