package page

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// The types of the events of a set, and of a document that is sent as patches.
const (
	Snapshot = "snapshot"
	Patch    = "patch"
	Added    = "added"
	Changed  = "changed"
	Removed  = "removed"
)

// Snapshot returns the event that is all of the set: an array of its items' data, as they were read.
func (s *Set) Snapshot() Event {
	size := len("[]")
	for _, e := range s.elements {
		size += len(e.data) + len(",")
	}
	text := append(make([]byte, 0, size), '[')
	for _, e := range s.elements {
		if e.ignored {
			continue
		}
		if len(text) > len("[") {
			text = append(text, ',')
		}
		text = append(text, e.data...)
	}
	return Event{Type: Snapshot, Data: append(text, ']'), Key: s.key}
}

// Changes returns the events that lead from the set before to this one: removed with the items as they were
// seen last, changed, and added, in that order, and each kind as it was read. [Set.Follow] has been called for
// both. The key of the last event is that of the set. Those of the others name the place within the change: see
// [position.Steps].
//
// Where diff is not nil, a changed item comes as {"id":…,"patch":…}, with what diff returns from before to
// after; or, where that is nil, with a patch that replaces the whole item.
func (s *Set) Changes(before *Set, diff func(before, after []byte) []byte) []Event {
	var events []Event
	steps := position.StepsFrom(before.key)
	add := func(typ string, e *element, data []byte) {
		events = append(events, Event{Type: typ, Data: data, Key: steps.Next(typ, e.digest)})
	}
	for i, e := range before.elements {
		if !e.ignored && s.find(i, e.id) == nil {
			add(Removed, e, e.data)
		}
	}
	for i, e := range s.elements {
		if e.ignored {
			continue
		}
		old := before.find(i, e.id)
		if old == nil || old.digest == e.digest {
			continue
		}
		data := e.data
		if diff != nil {
			data = changes(e, diff(old.data, e.data))
		}
		add(Changed, e, data)
	}
	for i, e := range s.elements {
		if !e.ignored && before.find(i, e.id) == nil {
			add(Added, e, e.data)
		}
	}
	if n := len(events); n > 0 {
		events[n-1].Key = s.key
	}
	return events
}

// changes returns the data of a changed item that is sent as a patch: an object {"id","patch"}.
func changes(e *element, patch []byte) []byte {
	text := append([]byte(`{"id":`), decode.AppendString(nil, e.id)...)
	text = append(text, `,"patch":`...)
	if patch == nil {
		text = append(text, `[{"op":"replace","path":"","value":`...)
		return append(append(text, e.data...), "}]}"...)
	}
	return append(append(text, patch...), '}')
}
