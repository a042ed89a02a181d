package feed

import "time"

// turn is what a [Schedule] runs again and again, in steps. The schedule's lock guards it.
type turn struct {
	of     stepper
	prompt bool // its steps may be held, and are made without delay
	state  turnState
	young  bool      // its step began a moment ago
	again  bool      // it was woken during its step, so that it does not rest after it
	since  time.Time // when it became ready, or its step began
	at     time.Time // when it is due
	slot   int       // in the heap of those that wait; -1: it is in none
}

// stepper makes the steps of a turn, never two at the same time.
type stepper interface {
	step() rest
}

// rest is what follows a step.
type rest struct {
	until time.Time // of the next step; zero: when the turn is woken
	over  bool      // none follows
}

// turnState is where a turn is.
type turnState uint8

const (
	unborn  turnState = iota // no schedule has it yet, or any more
	resting                  // it waits for its time, or to be woken
	ready                    // it waits for a worker
	running                  // a worker makes its step
)

// dueFirst is a heap of turns by the times at which they are due.
type dueFirst []*turn

// Len implements heap.Interface.
func (h dueFirst) Len() int { return len(h) }

// Less implements heap.Interface.
func (h dueFirst) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

// Swap implements heap.Interface.
func (h dueFirst) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push implements heap.Interface.
func (h *dueFirst) Push(x any) {
	t := x.(*turn)
	t.slot = len(*h)
	*h = append(*h, t)
}

// Pop implements heap.Interface.
func (h *dueFirst) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h, t.slot = old[:len(old)-1], -1
	return t
}
