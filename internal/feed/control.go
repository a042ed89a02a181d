package feed

import "github.com/sse-bridge/caddy-sse-bridge/internal/sse"

// reset is why a client cannot go on where it stopped, for the data of a bridge.reset.
type reset string

const (
	unknownID reset = "unknown_id" // neither a log nor a poll can place the client's id
	gap       reset = "gap"        // the upstream no longer has what followed the position
	ordered   reset = "upstream"   // the upstream says that the position is of no use any more
	restarted reset = "restarted"  // the upstream counts from the start again
	yielded   reset = "yielded"    // the chain was behind for long while others waited for one
)

// reset returns the announcement of a gap. It has no id: the client keeps the one it has until the next event.
func (f *Feed) reset(reason reset) []byte {
	f.config.Counters.reset(reason)
	return sse.AppendEvent(nil, "bridge.reset", []byte(`{"reason":"`+string(reason)+`"}`), "")
}

// positionEvent tells clients how far the upstream has come where no event does.
func positionEvent(id string) []byte {
	return sse.AppendEvent(nil, "bridge.position", []byte("{}"), id)
}
