package upstream

import (
	"context"
	"sync"
	"time"
)

// delayedAfter is how long a poll must wait for a slot before it counts as delayed.
const delayedAfter = time.Second

// slots bounds the polls that are under way and not held by the upstream.
type slots struct {
	taken chan struct{}

	mu      sync.Mutex
	delayed int64     // polls that had to wait that long
	last    time.Time // when there was one last
}

func newSlots(most int) *slots { return &slots{taken: make(chan struct{}, most)} }

// take waits for a slot. Release returns the slot. If the upstream may hold the poll, the slot is returned
// earlier: as soon as the poll counts as held.
func (s *slots) take(ctx context.Context, mayHold bool) (release func(), err error) {
	select {
	case s.taken <- struct{}{}:
	default:
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
	free := func() { <-s.taken }
	if !mayHold {
		return free, nil
	}
	timer := time.AfterFunc(heldAfter, free)
	return func() {
		if timer.Stop() {
			free()
		}
	}, nil
}

func (s *slots) wait(ctx context.Context) error {
	count := time.AfterFunc(delayedAfter, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.delayed, s.last = s.delayed+1, time.Now()
	})
	defer count.Stop()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// late returns how many polls had to wait for a second or more, and when one did last.
func (s *slots) late() (polls int64, last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delayed, s.last
}
