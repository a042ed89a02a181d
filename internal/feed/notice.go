package feed

import (
	"encoding/json"

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

// say makes a comment what the poller has to say of the upstream.
func (l *log) say(comment string) {
	if old := l.notice.Load(); old == nil || *old != comment {
		l.notice.Store(&comment)
	}
}

// hear returns what a client is told of its upstream beside the log: a comment each time that it
// changes, and, where clients are notified, an event when it goes down.
func (r *Reader) hear(l *log) []byte {
	notice := l.notice.Load()
	if notice == r.seen {
		return nil
	}
	if r.seen = notice; notice == nil {
		return nil
	}
	b := sse.AppendComment(nil, *notice)
	if r.feed.config.Notify && !r.told {
		r.told = true
		b = upstreamEvent(b, stateDown, *notice)
	}
	return b
}

// recovered returns what a client is told that knows the upstream as down and finds it back.
// That goes before the events that came with it.
func (r *Reader) recovered(l *log) []byte {
	if !r.told || l.notice.Load() != nil {
		return nil
	}
	r.told = false
	return upstreamEvent(nil, stateUp, "")
}
