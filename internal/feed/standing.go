package feed

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// waited is how long a long poll must have taken to show that the upstream waited at its end, and was
// not only slow.
const waited = 5 * time.Second

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
	longPoll       bool // the upstream may have held it
	keys           bool // events have keys
	sent, answered time.Time
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
	if !first && p.Empty && (!moved || p.Complete || poll.longPoll && poll.answered.Sub(poll.sent) >= waited) {
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

// book is a log, as far as places are looked for in it.
type book[P any] interface {
	find(id string) (P, bool) // the one place that an id names, or a key; none for an empty one
	end() P
}

// meet returns the place in the log of one chain, which knows a, at which another one stands, which
// knows c and whose position has that id. It decides where clients go on in the log of another chain,
// so it takes only what is proved. Two chains that stay apart cost polls; two that meet wrongly lose
// events.
//
//  1. An id in the log is its place: both chains would send the same poll from it.
//  2. So is the key of the last event, where the operator has said by `id` what makes events the same.
//  3. An upstream with tokens may word one place in many ways. There, an answer shows the upstream's end
//     if it has no items, not even ignored ones, `more` does not hold, and its cursor is that of the
//     poll. A cursor that has moved is shown to be the end only if `more` is configured, or if the
//     upstream held the poll; else the answer may be one empty page among others.
//  4. What had come to the other chain before such a poll was sent stands before the place that it
//     asked from. So, if each of the two has such an answer, to a poll sent after the newest of the
//     other's came, neither stands before the other. What a client brought came with the client.
//     The younger one goes over, so that they do not both.
//  5. A client may name a place that the upstream has not come to, where an upstream finds nothing either.
//     Nobody goes over to a place before an event has come after it; from there the clients may go, and do
//     so from the older chain too.
//  6. Nothing else proves anything.
func meet[P any](id string, c, a standing, log book[P], tokens, older bool) (at P, met bool) {
	if at, met = log.find(id); met {
		return at, true
	}
	if at, met = log.find(c.key); met {
		return at, true
	}
	if tokens && !a.word && (older || c.word) && c.end.After(a.came) && a.end.After(c.came) {
		return log.end(), true
	}
	return at, false
}
