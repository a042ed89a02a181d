package feed

import (
	"container/heap"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	// tick is the least time between two looks at what is due. What falls due together costs one look, and wakes
	// the processor once.
	tick = 5 * time.Millisecond
	// burst is how many more steps may run than did a while ago. The others wait for one of these to end: most
	// polls are answered sooner than a connection to the upstream is made, and handlers keep few of these.
	burst = 16
	// patience is how long they wait before more may run, and is that while.
	patience = 4 * time.Millisecond
	// warm is how long goroutines without work are kept for their stacks, those of a burst aside.
	warm = time.Second
)

// Schedule runs the polls of all feeds that share it. A chain that waits for its next poll costs no goroutine
// and no timer: a few goroutines make the steps of all, and one timer wakes them. The zero value is ready.
type Schedule struct {
	mu      sync.Mutex
	members int // turns that have not ended
	waiting dueFirst
	ready   queue
	busy    int       // workers that make a step
	idle    []*worker // those that were busy last are last

	most   int       // steps that may run now
	swells int       // how often that has grown in a row, while turns waited
	based  time.Time // when it was last set
	looked time.Time // when the schedule last looked at what is due
	timer  *time.Timer
	armed  time.Time // when the timer fires; zero: it does not
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
	s.ready.push(t)
}

// dispatch gives turns that are ready to workers, as many as may run. s.mu is held.
func (s *Schedule) dispatch(now time.Time) {
	for s.ready.len() > 0 && s.room(now) {
		t := s.ready.pop()
		t.state = running
		s.busy++
		if n := len(s.idle); n > 0 {
			w := s.idle[n-1]
			s.idle[n-1], s.idle = nil, s.idle[:n-1]
			w.next <- t // it waits for nothing else
			continue
		}
		go s.work(&worker{next: make(chan *turn, 1)}, t)
	}
	s.arm()
}

// room reports whether one more step may run. If those that run end too slowly for those that wait, such as
// polls that the upstream holds, more and more may.
func (s *Schedule) room(now time.Time) bool {
	if now.Sub(s.based) >= patience {
		if s.swells++; now.Sub(s.ready.first().since) < patience {
			s.swells = 0
		}
		s.based, s.most = now, s.busy+burst<<min(s.swells, 16)
	}
	return s.busy < s.most
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
	s.looked = now
	for len(s.waiting) > 0 && !s.waiting[0].at.After(now) {
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
		sooner(later(s.waiting[0].at, s.looked.Add(tick)))
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
	s.busy--
	switch {
	case r.over:
		t.state = unborn
		s.members--
	case t.again:
		s.line(t, now)
	default:
		if t.state = resting; !r.until.IsZero() {
			t.at = r.until
			heap.Push(&s.waiting, t)
		}
	}
	w.since = now
	if s.members == 0 {
		s.end()
		close(w.next)
		return nil
	}
	if s.ready.len() > 0 && s.room(now) {
		next := s.ready.pop()
		next.state = running
		s.busy++
		s.arm()
		return next
	}
	s.idle = append(s.idle, w)
	s.arm()
	return nil
}

// end lets all workers end, since there is no turn left. s.mu is held.
func (s *Schedule) end() {
	for _, w := range s.idle {
		close(w.next)
	}
	s.idle, s.waiting, s.ready = nil, nil, queue{}
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

// queue is the turns that are ready, first come, first served.
type queue struct {
	turns []*turn
	head  int
}

func (q *queue) len() int { return len(q.turns) - q.head }

func (q *queue) first() *turn { return q.turns[q.head] }

func (q *queue) push(t *turn) {
	if q.head > len(q.turns)/2 && len(q.turns) == cap(q.turns) {
		n := copy(q.turns, q.turns[q.head:])
		clear(q.turns[n:])
		q.turns, q.head = q.turns[:n], 0
	}
	q.turns = append(q.turns, t)
}

func (q *queue) pop() *turn {
	t := q.turns[q.head]
	q.turns[q.head] = nil
	if q.head++; q.head == len(q.turns) {
		q.turns, q.head = q.turns[:0], 0
	}
	return t
}
