package feed

import "bytes"

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

// seenFrom is the log of one chain, for another one that looks for its place there.
type seenFrom struct {
	*log

	own *log
}

// find returns the place that an id names, if all of the other chain's last page that the log holds
// too stands at or before it, and says the same there. An upstream without order could have put some of
// it after; and one that has started over gives ids again to other items.
func (s seenFrom) find(id string) (place, bool) {
	at, ok := s.log.find(id)
	if !ok {
		return place{}, false
	}
	tail := s.own.tail.Load()
	for _, m := range tail.marks {
		for _, name := range [...]string{m.id, m.key} {
			if spot, ok := s.log.spots[name]; ok && spot.after(at) {
				return place{}, false
			}
		}
		spot, own := s.log.spots[m.id], m.event(tail.batch)
		if spot != nil && spot.event != nil && own != nil && !bytes.Equal(spot.event, own) {
			return place{}, false
		}
	}
	return at, true
}
