package stream

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// sender writes the streams whose connections have been taken over, of one bridge. It has two goroutines, for any
// number of streams, and ends with the last of them.
type sender struct {
	of    *shared
	epoll *epoll
	bell  chan struct{}

	mu      sync.Mutex
	waiting []*client // that have something to be done
	seats   []seat
	empty   []uint32 // seats without a client
	clients int
	ended   bool
}

// seat is where a client stands for its socket. What is told about an earlier client of the seat is not for the present one.
type seat struct {
	client *client
	times  uint32 // how many clients it has had
}

func newSender(of *shared) (*sender, error) {
	e, err := newEpoll()
	if err != nil {
		return nil, err
	}
	s := &sender{of: of, epoll: e, bell: make(chan struct{}, 1)}
	go s.listen()
	go s.run()
	return s, nil
}

// take gives a client a seat, and watches its socket. It returns false if the sender has ended.
func (s *sender) take(c *client) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false, nil
	}
	if len(s.empty) == 0 {
		s.empty = append(s.empty, uint32(len(s.seats)))
		s.seats = append(s.seats, seat{})
	}
	number := s.empty[len(s.empty)-1]
	at := &s.seats[number]
	if err := s.epoll.add(int(c.socket), uint64(at.times)<<32|uint64(number)); err != nil {
		s.endIfEmpty()
		return true, err
	}
	s.empty = s.empty[:len(s.empty)-1]
	at.client, c.seat, c.owner = c, number, s
	s.clients++
	return true, nil
}

// size returns how many clients the sender has.
func (s *sender) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients
}

// decline implements owner: the client's connection is not taken over, and somebody else has it.
func (s *sender) decline(c *client) {
	s.epoll.remove(int(c.socket))
	s.release(c)
}

// owes implements owner. The lock is held so that the descriptor is not another connection's.
func (s *sender) owes(c *client) (something bool, silent time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seats[c.seat].client != c {
		return false, 0 // it has ended
	}
	return owesAt(int(c.socket))
}

// release closes a client's socket and frees its seat.
func (s *sender) release(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.secure == nil {
		_ = unix.Close(int(c.socket)) // the client is gone, or has got everything
	}
	at := &s.seats[c.seat]
	at.client = nil
	at.times++
	s.empty = append(s.empty, c.seat)
	s.clients--
	s.endIfEmpty()
}

// endIfEmpty ends the sender if it has no client. s.mu is held.
func (s *sender) endIfEmpty() {
	if s.clients == 0 && !s.ended {
		s.ended = true
		s.epoll.close()
		s.ring()
	}
}

// queue implements owner.
func (s *sender) queue(c *client) {
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	first := len(s.waiting) == 1
	s.mu.Unlock()
	if first {
		s.ring()
	}
}

func (s *sender) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// listen tells clients what happens at their sockets, until the sender ends.
func (s *sender) listen() {
	var list [128]unix.EpollEvent
	for {
		n, err := s.epoll.wait(list[:])
		if err != nil {
			return
		}
		for _, event := range list[:n] {
			token := tokenOf(event)
			s.mu.Lock()
			at := s.seats[uint32(token)]
			s.mu.Unlock()
			if at.client != nil && at.times == uint32(token>>32) {
				at.client.tell(event.Events)
			}
		}
	}
}

// run serves the clients that have something to be done, until the sender ends.
func (s *sender) run() {
	work := new(scratch)
	var now []*client
	for {
		clear(now)
		s.mu.Lock()
		now, s.waiting = s.waiting, now[:0]
		over := s.ended && len(now) == 0
		s.mu.Unlock()
		if over {
			return
		}
		for _, c := range now {
			c.ready.Store(false)
			s.serve(c, work)
		}
		if len(now) == 0 {
			<-s.bell
		}
	}
}

// serve serves one client. A bug in the bridge ends only that client's stream.
func (s *sender) serve(c *client, work *scratch) {
	if c.over {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.Logger.Error("writing a stream panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
			c.close(feed.Gone)
		}
		if c.over {
			s.release(c)
			go c.finish(s.of)
		}
	}()
	c.serve(work, s.of.wait)
}
