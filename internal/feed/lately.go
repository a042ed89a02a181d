package feed

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// compared is how many events are known again. One of them may have been edited meanwhile.
const compared = 3

// lately is what a chain has brought last.
type lately struct {
	from   position.Position // before these events
	hashes map[string]string // of what they say, by their ids
	last   string            // the newest id
}

// brought keeps what may be asked for again.
func (l *lately) brought(from position.Position, events []page.Event) {
	if len(events) == 0 {
		return
	}
	n := max(len(events)-compared, 0)
	if n == 0 && from.Cursor.IsZero() && len(events) > 1 && !events[0].At.Cursor.IsZero() {
		n = 1 // newcomers may get only the newest
	}
	if n > 0 {
		from, events = events[n-1].At, events[n:]
	}
	*l = lately{from: from.Clone(), hashes: make(map[string]string, len(events))}
	for _, e := range events {
		l.last = e.At.ID()
		l.hashes[l.last] = position.Hash(e.Type, e.Data)
	}
}

// verdict is what an answer tells of the upstream.
type verdict int

const (
	nothing verdict = iota
	goesOn
	startedOver
)

// compare says what it tells that events have come again. One that is the same outweighs others that have
// changed.
func (l *lately) compare(events []page.Event) verdict {
	found := nothing
	for _, e := range events {
		switch hash, known := l.hashes[e.At.ID()]; {
		case known && hash == position.Hash(e.Type, e.Data):
			return goesOn
		case known:
			found = startedOver
		}
	}
	return found
}
