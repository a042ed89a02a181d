package stream

import (
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// departure is a visit whose end can be waited for.
type departure struct{ sync.WaitGroup }

func (d *departure) Leave() { d.Done() }

func TestAPanicEndsOneStreamAndNotItsSender(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	a := New(&config.Plan{}, zap.NewNop)
	s, err := newSender(a.shared)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one shows that the sender lives
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		gone := new(departure)
		gone.Add(1)
		// without a reader, every look at it panics
		c := &client{socket: int32(pair[0]), visit: gone, line: new(accessLine)}
		c.journal = newJournal(a.counts, &Source{zap.New(core), "b", "f"})
		c.below = c
		a.watch.add(&c.stream)
		if s.size() == 0 {
			s.clients++ // another one, which goes on
		}
		if taken, err := s.take(c); !taken || err != nil {
			t.Fatal(taken, err)
		}
		c.begun.Store(true)
		c.Wake()
		gone.Wait()
		if n, err := unix.Read(pair[1], make([]byte, 1)); n != 0 || err != nil {
			t.Errorf("the client reads %d bytes, %v, want its end", n, err)
		}
		_ = unix.Close(pair[1])
	}
	if n := logs.FilterMessage("writing a stream panicked").Len(); n != 2 {
		t.Errorf("%d panics are logged", n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients--
	s.endIfEmpty()
}

func TestAClientLeavesEvenIfTheLogPanics(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	a := New(&config.Plan{}, zap.NewNop)
	gone := new(departure)
	gone.Add(1)
	c := &client{visit: gone, end: new(ending)} // without a line
	c.journal = newJournal(a.counts, &Source{zap.New(core), "b", "f"})
	c.below = c
	a.watch.add(&c.stream)
	go c.finish(a.shared)
	gone.Wait()
	if n := logs.FilterMessage("ending a stream panicked").Len(); n != 1 {
		t.Errorf("%d panics are logged", n)
	}
}
