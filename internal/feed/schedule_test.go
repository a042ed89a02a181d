package feed

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// steps is a stepper that takes some time for each step, and then rests as it is told.
type steps struct {
	turn  turn
	takes time.Duration
	rests func(step int) rest

	mu    sync.Mutex
	begun []time.Time
}

func (s *steps) step() rest {
	s.mu.Lock()
	s.begun = append(s.begun, time.Now())
	n := len(s.begun)
	s.mu.Unlock()
	time.Sleep(s.takes)
	return s.rests(n)
}

// when returns when its steps began.
func (s *steps) when() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.begun)
}

func begin(schedule *Schedule, prompt bool, takes time.Duration, rests func(step int) rest) *steps {
	s := &steps{takes: takes, rests: rests}
	s.turn = turn{of: s, prompt: prompt}
	schedule.begin(&s.turn)
	return s
}

// once ends after the first step.
func once(int) rest { return rest{over: true} }

// every rests so long after each step, and ends after some.
func every(wait time.Duration, most int) func(int) rest {
	return func(n int) rest { return rest{until: time.Now().Add(wait), over: n == most} }
}

func TestAStepIsMadeAtItsTimeAndAtMostATickLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start, schedule := time.Now(), new(Schedule)
		var all []*steps
		for i := range 100 {
			all = append(all, begin(schedule, false, 0, every(time.Second+time.Duration(i)*time.Millisecond/2, 10)))
		}
		alone := begin(new(Schedule), false, 0, every(time.Second, 10))
		time.Sleep(time.Minute)
		looks := map[time.Time]bool{}
		for i, s := range all {
			for n, at := range s.when()[1:] {
				if late := at.Sub(s.when()[n]) - time.Second - time.Duration(i)*time.Millisecond/2; late < 0 || late > 5*time.Millisecond {
					t.Errorf("step %d of turn %d comes %s after its time", n, i, late)
				}
				looks[at] = true
			}
		}
		if len(looks) > 500 { // in round n, 900 steps are spread over n times 50 ms
			t.Errorf("it looked %d times at what is due", len(looks))
		}
		for n, at := range alone.when() {
			if at.Sub(start) != time.Duration(n)*time.Second {
				t.Errorf("step %d of a turn alone comes after %s", n, at.Sub(start))
			}
		}
	})
}

func TestATurnIsWokenFromItsRestAndDuringItsStep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start, schedule := time.Now(), new(Schedule)
		s := begin(schedule, false, time.Second, func(n int) rest { return rest{over: n == 4} })
		time.Sleep(time.Second / 2)
		schedule.wake(&s.turn) // during the first step
		schedule.wake(&s.turn)
		time.Sleep(9500 * time.Millisecond)
		schedule.wake(&s.turn)
		time.Sleep(10 * time.Second)
		schedule.wake(&s.turn)
		time.Sleep(10 * time.Second)
		schedule.wake(&s.turn) // it is over
		var at []time.Duration
		for _, begun := range s.when() {
			at = append(at, begun.Sub(start))
		}
		if want := []time.Duration{0, time.Second, 10 * time.Second, 20 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("steps were made after %v, want %v", at, want)
		}
	})
}

// What the upstream answers at once needs few connections, however many polls are due.
func TestOnlyABurstOfQuickStepsRunsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		schedule := new(Schedule)
		var running, most, made atomic.Int64
		for range 200 {
			s := &steps{takes: time.Millisecond / 2}
			s.rests = func(int) rest { running.Add(-1); made.Add(1); return rest{over: true} }
			s.turn = turn{of: countedSteps{s, &running, &most}}
			schedule.begin(&s.turn)
		}
		time.Sleep(10 * time.Millisecond)
		if most.Load() != burst || made.Load() != 200 {
			t.Errorf("%d steps of %d ran at the same time, want %d", most.Load(), made.Load(), burst)
		}
	})
}

// countedSteps counts how many steps run at the same time.
type countedSteps struct {
	*steps

	running, most *atomic.Int64
}

func (c countedSteps) step() rest {
	c.most.Store(max(c.running.Add(1), c.most.Load()))
	return c.steps.step()
}

func TestStepsThatTakeLongKeepNoOthersFromTheirTime(t *testing.T) {
	for _, test := range []struct {
		prompt bool
		late   time.Duration
	}{{true, 0}, {false, 200 * time.Millisecond}} {
		bubble(t, func(t *testing.T) {
			start, schedule := time.Now(), new(Schedule)
			var all []*steps
			for range 500 {
				all = append(all, begin(schedule, test.prompt, time.Minute, once))
			}
			time.Sleep(time.Second)
			quick := begin(schedule, test.prompt, 0, once)
			time.Sleep(time.Second)
			if quick.when()[0].Sub(start) != time.Second {
				t.Errorf("a step beside those that take long comes %s late", quick.when()[0].Sub(start)-time.Second)
			}
			for i, s := range all {
				if late := s.when()[0].Sub(start); late > test.late {
					t.Errorf("step %d comes %s late", i, late)
					break
				}
			}
			time.Sleep(2 * time.Minute)
		})
	}
}

func TestAScheduleKeepsFewGoroutinesAndNoneWithoutTurns(t *testing.T) {
	bubble(t, func(t *testing.T) { // which fails if a goroutine is left
		schedule := new(Schedule)
		idle := func() int {
			synctest.Wait()
			schedule.mu.Lock()
			defer schedule.mu.Unlock()
			return len(schedule.idle)
		}
		for range 100 {
			begin(schedule, true, time.Second, every(time.Minute, 2))
		}
		time.Sleep(time.Second)
		if n := idle(); n != 100 {
			t.Errorf("%d goroutines have made 100 steps", n)
		}
		time.Sleep(10 * time.Second)
		if n := idle(); n != burst {
			t.Errorf("%d goroutines wait for 100 turns, want %d", n, burst)
		}
		time.Sleep(2 * time.Minute)
		if n := idle(); n != 0 {
			t.Errorf("%d goroutines wait for none", n)
		}
		again := begin(schedule, true, 0, once)
		synctest.Wait()
		if len(again.when()) != 1 {
			t.Error("it does not begin again")
		}
	})
}
