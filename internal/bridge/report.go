package bridge

import (
	"cmp"
	"maps"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Report is the state of a feed at one moment, for the admin API.
type Report struct {
	About
	State  feed.State `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Since  time.Time  `json:"since"`

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
		About: a, State: s.State, Reason: s.Reason, Since: s.Since.UTC(),
		Clients: s.Clients, Waiting: s.Waiting, Chains: s.Chains, Cursor: s.Cursor[:min(len(s.Cursor), maxCursor)],
		PollingSince: moment(s.Polling), NextPoll: moment(s.Next), Backoff: s.Backoff.Seconds(),
		Polled: s.Polled, PolledBy: s.Node, AloneBecause: s.Alone,
		LogEvents: s.LogEvents, LogBytes: s.LogBytes,
		Polls: s.Polls, Errors: s.Errors, Events: s.Events, PollsSaved: s.Saved,
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

// Reports returns the state of all feeds of the bridge. No lock is held for longer than the look at one feed
// takes.
func (b *Bridge) Reports() []Report {
	b.mu.Lock()
	abouts := maps.Clone(b.feeds.about)
	b.mu.Unlock()
	all := make([]Report, 0, len(abouts))
	for f, a := range abouts {
		all = append(all, NewReport(a, f.Status()))
	}
	return all
}

// ByUrgency compares two feeds. Feeds that are down come first, then those with many clients.
func ByUrgency(a, b Report) int {
	return cmp.Or(cmp.Compare(urgency[a.State], urgency[b.State]), cmp.Compare(b.Clients, a.Clients),
		cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
}
