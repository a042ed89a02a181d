// Package testclock measures for tests how long something takes, without the time for which the machine is busy with something else.
package testclock

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// tick is what a clock counts in.
const tick = 5 * time.Millisecond

// Clock counts the time in which this process runs, and that for which it waits on its own account. It stands still while the process
// is stopped, or waits for a processor.
type Clock struct {
	mu    sync.Mutex
	ticks []time.Time
}

// New returns a clock that goes until the test is over.
func New(t testing.TB) *Clock {
	c := new(Clock)
	ticker := time.NewTicker(tick)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C: // those that nobody has taken in time are left out
				c.tick()
			case <-over:
				return
			}
		}
	}()
	t.Cleanup(func() {
		ticker.Stop()
		close(over)
		<-ended
	})
	return c
}

func (c *Clock) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks = append(c.ticks, time.Now())
}

// Now is how long the clock has gone.
func (c *Clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(len(c.ticks)) * tick
}

// Since returns how long the clock has gone since it said a time.
func (c *Clock) Since(then time.Duration) time.Duration { return c.Now() - then }

// Between returns how long the clock has gone from one moment to another.
func (c *Clock) Between(from, to time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, _ := slices.BinarySearchFunc(c.ticks, from, time.Time.Compare)
	last, _ := slices.BinarySearchFunc(c.ticks, to, time.Time.Compare)
	return time.Duration(last-first) * tick
}
