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
	if m.config.Stream {
		return m.nameRecords(p, ask)
	}
	print := p.Next.Print // of the message; none where it has moved the cursor
	m.echo = m.config.LongPoll && !m.config.Once && m.config.counts(p.Next) && print == m.last
	if m.last = print; !m.config.counts(p.Next) {
		return p
	}
	if !m.config.counts(ask.From) || m.count == (position.Print{}) {
		m.count = new(position.Prints).Next(fmt.Appendf(nil, "%s %d", ask.Chain, ask.Number))
	}
	p.Next.Print = m.count
	for i := range p.Events {
		p.Events[i].At.Print = m.count
	}
	return p
}

// nameRecords is name for the records of an answer that goes on, of which one page may have several.
func (m *messages) nameRecords(p page.Page, ask Ask) page.Page {
	rename := func(at *position.Position) {
		if m.config.counts(*at) {
			at.Print = m.count
		}
	}
	for i := range p.Events {
		at := &p.Events[i].At
		if at.Done == 1 {
			m.count = new(position.Prints).Next(fmt.Appendf(nil, "%s %d %d", ask.Chain, ask.Number, i))
		}
		rename(at)
	}
	rename(&p.Next)
	return p
}
