package admin

import (
	"sync"
	"time"
)

// surveys makes one survey for all open status pages.
type surveys struct {
	mu      sync.Mutex
	viewers int
	at      time.Time
	last    Overview
}

// come counts a viewer. What it returns takes it off, and with the last one what there are no viewers for.
func (s *surveys) come() (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.viewers++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.viewers--; s.viewers == 0 {
			s.at, s.last = time.Time{}, Overview{}
		}
	}
}

// get returns the newest survey. Its feeds are shared: nobody changes them.
func (s *surveys) get() Overview {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.at) > every/2 {
		s.at, s.last = now, survey()
	}
	return s.last
}
