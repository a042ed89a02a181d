package ssebridge

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

const (
	// maxCursor is how much of a cursor operators are shown.
	maxCursor = 64
	// maxNamed is how much of a host, a path and a parameter's name they are: a client makes them up,
	// and they stand in each line of the log, each event and each snapshot for the status page.
	maxNamed = 256
	// maxNames is how many parameters they are shown.
	maxNames = 32
)

// about is what operators are told of a feed's poll request: where it goes, and what it is made of,
// but none of the values that a client has given or the configuration adds.
type about struct {
	ID     string `json:"id"`
	Bridge string `json:"bridge"`
	Method string `json:"method"`
	Host   string `json:"host"`
	Path   string `json:"path"` // as the client that came first sent it

	// the names of what tells feeds apart
	Query        []string `json:"query"`
	Headers      []string `json:"headers"`
	Cookies      []string `json:"cookies"`
	Vars         []string `json:"vars"`
	Placeholders []string `json:"placeholders"` // those of the upstream's handlers
	Also         []string `json:"also"`         // what has no name: body, original_uri, local_address
}

// newAbout says what is safe to say of a request.
func newAbout(p *pollRequest, id, bridge string) about {
	a := about{
		ID: id, Bridge: bridge, Method: p.said.method, Host: brief(p.said.host), Path: brief(p.sent.path), Query: queryNames(p.said.query),
		Cookies: namesIn(p.said.header["Cookie"], ";"), Vars: sortedNames(p.said.vars), Also: []string{},
	}
	headers := maps.Clone(p.said.header)
	for _, own := range []string{"X-Requested-With", "Accept", "User-Agent"} {
		delete(headers, own)
	}
	for _, e := range p.headerEdits {
		if delete(headers, e.name); !e.del {
			headers[e.name] = nil
		}
	}
	a.Headers = sortedNames(headers)
	placeholders, also := make(map[string]bool), make(map[partKind]bool)
	for _, s := range []*said{p.said, p.said.open, p.said.wait} {
		if s == nil {
			continue
		}
		for name := range s.placeholders {
			placeholders[name] = true
		}
		also[partBody] = also[partBody] || len(s.body) > 0
		also[partOriginal] = also[partOriginal] || s.original != nil
		also[partLocal] = also[partLocal] || s.local != (localAddr{})
	}
	a.Placeholders = sortedNames(placeholders)
	for _, kind := range []partKind{partBody, partOriginal, partLocal} {
		if also[kind] {
			a.Also = append(a.Also, string(kind))
		}
	}
	return a
}

// sortedNames returns the names of a map; never nil.
func sortedNames[V any](named map[string]V) []string {
	return slices.AppendSeq(make([]string, 0, len(named)), slices.Values(slices.Sorted(maps.Keys(named))))
}

// brief cuts what a client has made up to what is shown of it.
func brief(text string) string {
	if len(text) <= maxNamed {
		return text
	}
	return strings.ToValidUTF8(text[:maxNamed], "") + "…"
}

// queryNames returns the names of a query's parameters, each once, and the first maxNames of them.
func queryNames(query string) []string { return namesIn([]string{query}, "&") }

// namesIn returns the names of pairs, each once, and the first maxNames of them.
func namesIn(lines []string, separator string) []string {
	names := []string{}
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, separator) {
			if name, _ := named(pair); len(names) < maxNames && name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// named returns the name of a pair, as far as it is shown, and its value. What has no value may be one
// itself, so that it has no name: in base64 it ends in `=` (RFC 4648, section 4).
func named(pair string) (name, text string) {
	name, text, _ = strings.Cut(strings.TrimSpace(pair), "=")
	if strings.Trim(text, "=") == "" {
		return "", text
	}
	return brief(name), text
}

// report is how a feed is at one moment, as the admin API says it.
type report struct {
	about
	State  feed.State `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Since  time.Time  `json:"since"`

	Clients int    `json:"clients"`
	Waiting int    `json:"waiting"`
	Chains  int    `json:"chains"`
	Cursor  string `json:"cursor,omitempty"`

	LastPoll     *reportedPoll `json:"last_poll,omitempty"`
	PollingSince *time.Time    `json:"polling_since,omitempty"`
	NextPoll     *time.Time    `json:"next_poll,omitempty"`
	Backoff      float64       `json:"backoff_seconds"`

	LogEvents int   `json:"log_events"`
	LogBytes  int64 `json:"log_bytes"`

	Polls      int64 `json:"polls"`
	Errors     int64 `json:"errors"`
	Events     int64 `json:"events"`
	PollsSaved int64 `json:"polls_saved"`
}

// reportedPoll is a poll that came back.
type reportedPoll struct {
	At      time.Time    `json:"at"`
	Seconds float64      `json:"seconds"`
	Outcome feed.Outcome `json:"outcome"`
	Status  int          `json:"status,omitempty"`
	Events  int          `json:"events"`
}

func newReport(a about, s feed.Status) report {
	r := report{
		about: a, State: s.State, Reason: s.Reason, Since: s.Since.UTC(),
		Clients: s.Clients, Waiting: s.Waiting, Chains: s.Chains, Cursor: s.Cursor[:min(len(s.Cursor), maxCursor)],
		PollingSince: moment(s.Polling), NextPoll: moment(s.Next), Backoff: s.Backoff.Seconds(),
		LogEvents: s.LogEvents, LogBytes: s.LogBytes,
		Polls: s.Polls, Errors: s.Errors, Events: s.Events, PollsSaved: s.Saved,
	}
	if last := s.Last; !last.At.IsZero() {
		r.LastPoll = &reportedPoll{last.At.UTC(), last.Took.Seconds(), last.Outcome, last.Status, last.Events}
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

// reports returns how the feeds of the bridge are. No lock is held for longer than it takes to look
// at one of them.
func (b *bridge) reports() []report {
	b.mu.Lock()
	abouts := maps.Clone(b.feeds.about)
	b.mu.Unlock()
	all := make([]report, 0, len(abouts))
	for f, a := range abouts {
		all = append(all, newReport(a, f.Status()))
	}
	return all
}

// urgency orders states: what an operator should see first comes first.
var urgency = map[feed.State]int{feed.Down: 0, feed.Shut: 1, feed.Fresh: 2, feed.Up: 3}

// byUrgency compares two feeds: what is down is first, then what many clients read.
func byUrgency(a, b report) int {
	return cmp.Or(cmp.Compare(urgency[a.State], urgency[b.State]), cmp.Compare(b.Clients, a.Clients),
		cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID, b.ID))
}
