package feed

import (
	"context"
	"sync"
	"time"
)

// A poll that an upstream holds says nothing by its answer for a long time. It counts as a sign of life
// before: after an outage, and of an upstream that has not answered any poll yet.
const (
	holding = 3 * time.Second // since it was sent
	heeding = time.Second / 2 // since the head of its answer came; an error page would be whole by then
)

// hold is a poll that the upstream may hold.
type hold struct {
	ctx    context.Context
	cancel context.CancelFunc
	found  func() (question bool) // is told that the upstream holds it

	mu        sync.Mutex
	timers    []*time.Timer
	abandoned bool
}

func newHold(ctx context.Context, found func() bool) *hold {
	h := &hold{found: found}
	h.ctx, h.cancel = context.WithCancel(ctx)
	return h
}

// reached takes note of how far the poll has come. A question is not worth waiting for.
func (h *hold) reached(stage Stage) {
	if stage == Begun {
		h.after(heeding, func() { h.found() })
		return
	}
	h.after(holding, func() {
		if h.found() {
			h.abandon()
		}
	})
}

// begun is reached for an answer that goes on: before its head, it says nothing.
func (h *hold) begun(stage Stage) {
	if stage == Begun {
		h.reached(stage)
	}
}

func (h *hold) after(wait time.Duration, do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timers = append(h.timers, time.AfterFunc(wait, do))
}

// abandon has the poll return without an answer.
func (h *hold) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandoned = true
	h.cancel()
}

// returned is told that the poll has returned, and reports whether it was abandoned.
func (h *hold) returned() (abandoned bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cancel()
	for _, t := range h.timers {
		t.Stop()
	}
	return h.abandoned
}
