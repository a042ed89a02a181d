package feed

import (
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// messages is how a chain names messages. A message is all of an answer. Where it has not moved the cursor, the
// upstream has no name for its place, and nobody can ask for what came after it. The chain that got it counts, and
// only the log of that chain knows the place. A client with such an id may have missed something everywhere else.
// The items of a session's answers, if they have no ids, are named in the same way. Only the poller uses it.
type messages struct {
	config *Config
	last   position.Print // of the last message, if that has not moved the cursor
	count  position.Print // stands for the count that goes on, in the ids of such messages
	echo   bool           // the last answer is such a message, and says what the one before it said, in long polling
}

// name makes the ids of messages that are counted those of this count. Another count, of another chain or after a
// reset, comes to the same numbers, and may get the same messages at other times.
func (m *messages) name(p page.Page, ask Ask) page.Page {
	if m.echo = false; !m.config.Messages || len(p.Events) == 0 {
		return p
	}
	print := p.Next.Print // of the message; none where it has moved the cursor
	m.echo = m.config.LongPoll && !m.config.Once && !m.config.Stream && m.config.counts(p.Next) && print == m.last
	m.last = print
	for i := range p.Events {
		m.nameAt(&p.Events[i].At, ask, i)
	}
	if last := &p.Events[len(p.Events)-1].At; p.Next.Done == last.Done && p.Next.Cursor.Equal(last.Cursor) {
		p.Next = *last
	} else { // behind items that make no event
		m.nameAt(&p.Next, ask, len(p.Events))
	}
	return p
}

// nameAt names a position if it is a count. n is how many events stand before it on the page. A new count begins
// behind each place of the upstream's.
func (m *messages) nameAt(at *position.Position, ask Ask, n int) {
	if !m.config.counts(*at) {
		return
	}
	if at.Done == 1 || m.count == (position.Print{}) {
		m.count = new(position.Prints).Next(fmt.Appendf(nil, "%s %d %d", ask.Chain, ask.Number, n))
	}
	at.Print = m.count
}
