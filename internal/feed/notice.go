package feed

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// What the data of a bridge.upstream says.
const (
	stateDown = "down"
	stateUp   = "up"
)

// upstreamEvent tells clients that ask for it that their feed's upstream went down, or is back.
// The reason is one of the comments' fixed texts.
func upstreamEvent(dst []byte, state, reason string) []byte {
	data, err := json.Marshal(struct {
		State  string `json:"state"`
		Reason string `json:"reason,omitempty"`
	}{state, reason})
	if err != nil {
		panic(err) // two strings can always be written
	}
	return sse.AppendEvent(dst, "bridge.upstream", data, "")
}

// notice is the comment about the state of the upstream; empty while it works. Readers read it without a lock.
type notice struct{ comment atomic.Pointer[string] }

func (n *notice) say(comment string) {
	if old := n.comment.Load(); old == nil || *old != comment {
		n.comment.Store(&comment)
	}
}

// clear removes the comment, and reports whether there was one.
func (n *notice) clear() bool { return n.comment.Swap(nil) != nil }

// hearing is what a client knows about the state of its upstream.
type hearing struct {
	seen *string // the comment that was sent last
	down bool    // it was told by an event that the upstream is down
}

// next returns what a client is told of its upstream beside the log: a comment each time that it
// changes, and, where clients are notified, an event when it goes down.
func (h *hearing) next(n *notice, notify bool) []byte {
	comment := n.comment.Load()
	if comment == h.seen {
		return nil
	}
	if h.seen = comment; comment == nil {
		return nil
	}
	b := sse.AppendComment(nil, *comment)
	if notify && !h.down {
		h.down = true
		b = upstreamEvent(b, stateDown, *comment)
	}
	return b
}

// recovered returns what a client is told that knows the upstream as down and finds it back.
// That goes before the events that came with it.
func (h *hearing) recovered(n *notice) []byte {
	if !h.down || n.comment.Load() != nil {
		return nil
	}
	h.down = false
	return upstreamEvent(nil, stateUp, "")
}

// sayPosition is for how long a cursor moves without events before its position is sent.
const sayPosition = time.Minute

// reset is the reason why a client cannot continue where it stopped, for the data of a bridge.reset.
type reset string

const (
	unknownID reset = "unknown_id" // neither a log nor a poll can place the client's id
	gap       reset = "gap"        // the upstream no longer has what followed the position
	ordered   reset = "upstream"   // the upstream says that the position is of no use any more
	restarted reset = "restarted"  // the upstream counts from the start again
	yielded   reset = "yielded"    // the chain was behind for long while others waited for one
)

// event returns the announcement of a gap, and counts it. It has no id: the client keeps the one it has until
// the next event.
func (r reset) event(k *Counters) []byte {
	k.reset(r)
	return sse.AppendEvent(nil, "bridge.reset", []byte(`{"reason":"`+string(r)+`"}`), "")
}

// positionEvent tells clients how far the upstream has come where no event does.
func positionEvent(id string) []byte {
	return sse.AppendEvent(nil, "bridge.position", []byte("{}"), id)
}

// endEvent tells clients that nothing will follow. The id is that of a client that has none yet, and comes back to be told so by
// a status.
func endEvent(id string) []byte {
	return sse.AppendEvent(nil, "bridge.end", []byte("{}"), id)
}

// told is when clients last got an id, or would have, and which.
type told struct {
	at   time.Time
	id   string
	owed bool // since a reset there was none, and clients have one of before it
}

// note takes the position after an answer, and reports whether it is time to tell clients of it, since no
// event has. After a reset there may be none yet.
func (t *told) note(now time.Time, id string, events bool) (say bool) {
	say = !events && (t.owed || !t.at.IsZero())
	if say && (id == "" || !t.owed && (id == t.id || now.Sub(t.at) < sayPosition)) {
		return false
	}
	t.at, t.id, t.owed = now, id, false
	return say
}
