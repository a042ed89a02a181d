package upstream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// repliesASecond bounds the replies of a session. More wait.
const repliesASecond = 10

// session is what the requests of a session share beside its cursors. Some of them may be made at the same time.
type session struct {
	target atomic.Pointer[target] // of the last poll

	mu      sync.Mutex
	count   int      // the requests so far
	open    bool     // it has been opened, and not been given up
	ask     feed.Ask // of the last poll, with a copy of the session
	beating context.CancelFunc
	polling context.CancelFunc // ends the poll that is under way
	ended   bool               // a beat has found out that the session has ended
	end     func()             // makes the request of `close`
	replies []time.Time        // when the last ones were made

	unfinished []byte // an event of Socket.IO, whose attachments come with the next answer
}

// sessionOf returns the session of a chain, and makes it before its first request.
func sessionOf(of *feed.Session) *session {
	if of.Live == nil {
		of.Live = new(session)
	}
	return of.Live.(*session)
}

// begin begins a new session in the place of one that is of no use any more.
func (s *session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count, s.open, s.ended, s.unfinished = 0, false, false, nil
	s.still()
}

// still ends all beats. s.mu is held.
func (s *session) still() {
	if s.beating != nil {
		s.beating()
		s.beating = nil
	}
}

// requests returns how many requests the session has made.
func (s *session) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// take counts a request, and returns how many were before it.
func (s *session) take() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	return s.count - 1
}

// untake takes a request back that got no answer: the next one is in its place, so that an upstream that counts
// them (BOSH: XEP-0124, section 14.2) misses none, and can give the answer that was lost. It is too late if another
// request has followed.
func (s *session) untake(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == number+1 {
		s.count = number
	}
}

// mayReply waits until one more reply is within the limit.
func (s *session) mayReply(ctx context.Context) error {
	s.mu.Lock()
	now := time.Now()
	at := now
	if len(s.replies) >= repliesASecond {
		if least := s.replies[0].Add(time.Second); least.After(at) {
			at = least
		}
		s.replies = s.replies[1:]
	}
	s.replies = append(s.replies, at)
	s.mu.Unlock()
	if !at.After(now) {
		return nil
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements feed.Live.
func (s *session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.still()
	if s.open && s.end != nil {
		s.end()
	}
	s.open = false
}

// Interface guards
var _ feed.Live = (*session)(nil)

// over reports whether a beat has found out that the session has ended.
func (s *session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}
