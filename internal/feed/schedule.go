package feed

import (
	"container/heap"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	// tick is the least time between two looks at which polls are due. What falls due together costs one look, and
	// wakes the processor once.
	tick = 5 * time.Millisecond
	// burst is how many polls run at the same time, if others wait for that. Most polls are answered sooner than a
	// connection to the upstream is made, and handlers keep few of these.
	burst = 16
	// quick is how long a poll is one of them.
	quick = 30 * time.Millisecond
	// patience is how long others wait before there may be more.
	patience = 10 * time.Millisecond
	// warm is how long goroutines without work are kept for their stacks, those of a burst aside.
	warm = time.Second
)

// Schedule makes the polls of all feeds that share it. A chain that waits for its next poll costs no goroutine
// and no timer: a few goroutines make the steps of all, and one timer wakes them. The zero value is ready.
type Schedule struct {
	mu      sync.Mutex
	members int // turns that have not ended
	waiting dueFirst
	ready   queue[*turn]
	idle    []*worker // those that were busy last are last
	timer   *time.Timer
	armed   time.Time // when the timer fires; zero: it does not
	looked  time.Time // when something was due last

	most  int          // beyond a burst, how many young steps may run
	based time.Time    // when that was last changed
	young queue[birth] // of steps that began a moment ago, and of some that have ended
	youth int          // how many of them have not ended
}

// birth is the beginning of a step.
type birth struct {
	turn *turn
	at   time.Time
}

// worker is a goroutine that makes steps.
type worker struct {
	next  chan *turn // closed: it ends
	since time.Time  // when its last step ended
}

// begin takes a turn in, whose first step is made at once.
func (s *Schedule) begin(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.slot = -1
	s.members++
	now := time.Now()
	s.line(t, now)
	s.dispatch(now)
}

// wake has the next step of a turn made at once, or after the one that is being made.
func (s *Schedule) wake(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch t.state {
	case resting:
		now := time.Now()
		s.line(t, now)
		s.dispatch(now)
	case running:
		t.again = true
	}
}

// line makes a turn one of those that are ready. s.mu is held.
func (s *Schedule) line(t *turn, now time.Time) {
	if t.slot >= 0 {
		heap.Remove(&s.waiting, t.slot)
	}
	t.state, t.again, t.since = ready, false, now
	if t.prompt {
		s.start(t, now)
		return
	}
	s.ready.push(t)
}

// dispatch starts the steps of turns that are ready, as many as may run. s.mu is held.
func (s *Schedule) dispatch(now time.Time) {
	for s.ready.len() > 0 && s.room(now) {
		s.start(s.ready.pop(), now)
	}
	s.arm()
}

// start gives a turn to a worker. s.mu is held.
func (s *Schedule) start(t *turn, now time.Time) {
	s.run(t, now)
	n := len(s.idle)
	if n == 0 {
		go s.work(&worker{next: make(chan *turn, 1)}, t)
		return
	}
	w := s.idle[n-1]
	s.idle[n-1], s.idle = nil, s.idle[:n-1]
	w.next <- t // it waits for nothing else
}

// run takes note that a step begins. s.mu is held.
func (s *Schedule) run(t *turn, now time.Time) {
	t.state, t.since = running, now
	if !t.prompt {
		t.young = true
		s.youth++
		s.young.push(birth{t, now})
	}
}

// room reports whether one more step may run. Those that take long are none of a burst. If turns wait for long
// nevertheless, such as for a slow upstream, bursts may be larger. s.mu is held.
func (s *Schedule) room(now time.Time) bool {
	for s.young.len() > 0 {
		first := s.young.first()
		current := first.turn.young && first.turn.since.Equal(first.at)
		if current && now.Sub(first.at) < quick {
			break
		}
		if s.young.pop(); current {
			s.grow(first.turn)
		}
	}
	if now.Sub(s.based) >= patience {
		s.based = now
		if now.Sub(s.ready.first().since) >= patience {
			s.most += max(burst/4, s.most/4)
		} else {
			s.most -= (s.most + 7) / 8
		}
	}
	return s.youth < burst+s.most
}

// grow takes note that a step is no longer young, or has ended. s.mu is held.
func (s *Schedule) grow(t *turn) {
	if t.young {
		t.young = false
		s.youth--
	}
}

// look makes ready what is due.
func (s *Schedule) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = time.Time{}
	if s.members == 0 {
		return
	}
	now := time.Now()
	for len(s.waiting) > 0 && !s.waiting[0].at.After(now) {
		s.looked = now
		s.line(s.waiting[0], now)
	}
	s.trim(now)
	s.dispatch(now)
}

// trim ends workers that are of no use. s.mu is held.
func (s *Schedule) trim(now time.Time) {
	n := 0
	for len(s.idle)-n > burst && now.Sub(s.idle[n].since) >= warm {
		close(s.idle[n].next)
		n++
	}
	s.idle = slices.Delete(s.idle, 0, n)
}

// arm sets the timer for the next look. s.mu is held.
func (s *Schedule) arm() {
	var next time.Time
	sooner := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if len(s.waiting) > 0 {
		at := s.waiting[0].at
		if !s.waiting[0].prompt {
			at = later(at, s.looked.Add(tick))
		}
		sooner(at)
	}
	if s.ready.len() > 0 {
		sooner(s.based.Add(patience))
	}
	if len(s.idle) > burst {
		sooner(s.idle[0].since.Add(warm))
	}
	switch {
	case next.IsZero() || !s.armed.IsZero() && !next.Before(s.armed): // the look that comes arms it again
	case s.timer == nil:
		s.armed, s.timer = next, time.AfterFunc(time.Until(next), s.look)
	default:
		s.armed = next
		s.timer.Reset(time.Until(next))
	}
}

// work makes steps, until there have been none for long.
func (s *Schedule) work(w *worker, t *turn) {
	for t != nil {
		r := t.of.step()
		if t = s.stepped(w, t, r); t == nil {
			t = w.wait()
		}
	}
}

// stepped takes note that a step has ended, and returns the turn whose step the worker makes next; nil: it is
// idle.
func (s *Schedule) stepped(w *worker, t *turn, r rest) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.grow(t)
	w.since = now
	s.idle = append(s.idle, w)
	switch {
	case r.over:
		t.state = unborn
		if s.members--; s.members == 0 {
			s.end()
			return nil
		}
	case t.again:
		s.line(t, now)
	default:
		if t.state = resting; !r.until.IsZero() {
			t.at = r.until
			heap.Push(&s.waiting, t)
		}
	}
	s.dispatch(now)
	select {
	case next := <-w.next: // it was the one that was busy last
		return next
	default:
		return nil
	}
}

// end lets all workers end, since there is no turn left. s.mu is held.
func (s *Schedule) end() {
	for _, w := range s.idle {
		close(w.next)
	}
	s.idle = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer, s.armed = nil, time.Time{}
}

// wait waits for the next turn; nil: the worker ends. The collector halves a stack of which less than a quarter
// is in use, and it would have to grow again for the next poll: so as much of it is kept in use.
//
//go:noinline
func (w *worker) wait() *turn {
	var kept [8 << 10]byte
	t := <-w.next
	runtime.KeepAlive(&kept)
	return t
}

// queue is first come, first served.
type queue[T any] struct {
	list []T
	head int
}

func (q *queue[T]) len() int { return len(q.list) - q.head }

func (q *queue[T]) first() T { return q.list[q.head] }

func (q *queue[T]) push(v T) {
	if q.head > len(q.list)/2 && len(q.list) == cap(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, v)
}

func (q *queue[T]) pop() T {
	v := q.list[q.head]
	clear(q.list[q.head : q.head+1])
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	}
	return v
}
