package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// waited is how long a long poll must have taken to show that the upstream waited at its end, and was
// not only slow.
const waited = 5 * time.Second

// yieldAfter is how old a chain is at least that makes room for readers who wait for one.
const yieldAfter = time.Minute

// standing is what a chain knows of its place in the upstream's sequence, beside its position.
type standing struct {
	came time.Time // when the newest of what comes before its place came here
	end  time.Time // when the newest poll was sent that found the upstream's end; zero: none has
	key  string    // of the last event, where events have keys
	word bool      // no event shows yet that the place is one of the upstream's: a client has named it
}

// brought is the standing of a chain whose position a client has brought. The client may have it
// from another node, so it may be newer than all that was asked for here before now.
func brought(now time.Time) standing { return standing{came: now, word: true} }

// asked is the poll that an answer is for.
type asked struct {
	from           position.Position
	longPoll       bool      // the upstream may have held it
	keys           bool      // events have keys
	sent, answered time.Time // sent is zero if nobody knows
}

// took takes what an answer shows.
func (s *standing) took(p page.Page, poll asked) {
	first, moved := poll.from.Cursor.IsZero(), !p.Next.Cursor.Equal(poll.from.Cursor)
	if first || len(p.Events) > 0 || !p.Empty && (moved || p.Next.Done != poll.from.Done) {
		s.came = poll.answered
	}
	if len(p.Events) > 0 {
		s.key, s.word = keyOf(p.Events[len(p.Events)-1], poll.keys), false
	}
	if !first && !poll.sent.IsZero() && p.Empty && (!moved || p.Complete || poll.longPoll && poll.answered.Sub(poll.sent) >= waited) {
		s.end = poll.sent
	}
}

// keyOf returns what makes an event known where its id is one token of many for its place: its key,
// and what it says. It has a space, which no id has.
func keyOf(e page.Event, keys bool) string {
	if !keys || e.Key == "" {
		return ""
	}
	return " " + position.Hash(e.Key, append([]byte(e.Type+"\n"), e.Data...))
}

// MarkOf returns what makes an event known where its id is one of many for its place; empty: nothing does.
func MarkOf(e page.Event) string { return keyOf(e, true) }

// meeting is where a chain stands among the others of its feed.
type meeting struct {
	standing standing
	born     time.Time
	reached  bool   // it has been at the upstream's end
	yield    bool   // others need the chain
	into     *chain // where its readers went
}

// took takes what an answer shows. Where nobody knows when its poll was sent, another node polls from the same place
// for all.
func (m *meeting) took(p page.Page, poll asked) {
	m.standing.took(p, poll)
	m.reached = m.reached || !m.standing.end.IsZero() || poll.answered.Sub(poll.sent) >= held
}

// forget goes to the place of a newcomer, which is the upstream's end.
func (m *meeting) forget() { m.standing, m.reached = standing{}, true }
