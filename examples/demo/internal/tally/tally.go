// Package tally checks what clients of the chat get.
package tally

import "sync/atomic"

// Tally is what the clients of one kind have got, checked by the numbers of the messages, which
// have no gaps.
type Tally struct{ received, lost, twice atomic.Int64 }

// State is a Tally as the page gets it.
type State struct {
	Received int64 `json:"received"`
	Lost     int64 `json:"lost"`
	Twice    int64 `json:"twice"`
}

// State is what has been counted so far.
func (t *Tally) State() State {
	return State{t.received.Load(), t.lost.Load(), t.twice.Load()}
}

// Receiver is one client's place in the chat.
type Receiver struct {
	Tally *Tally
	Last  int64 // the number of its last message, or 0
}

// Take notes a message by its number.
func (r *Receiver) Take(id int64) {
	r.Tally.received.Add(1)
	if r.Last > 0 {
		r.Tally.lost.Add(max(id-r.Last-1, 0))
		if id <= r.Last {
			r.Tally.twice.Add(1)
		}
	}
	r.Last = max(id, r.Last)
}
