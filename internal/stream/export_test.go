package stream

import (
	"math"
	"time"
)

// EndNow ends all streams as the watchdog does at exit.
func (a *Streams) EndNow() { a.watch.endNow() }

const (
	ExitWrite  = exitWrite
	ExitSpread = exitSpread
	Spread     = spread
)

// LookEvery has the watchdog look more often, and cut nobody yet. It is called before the first stream.
func (a *Streams) LookEvery(d time.Duration) { a.watch.every, a.watch.hangs = d, math.MaxInt32 }

// CutAfter has the watchdog cut those whose writes hang for so many looks.
func (a *Streams) CutAfter(looks int32) {
	a.watch.mu.Lock()
	defer a.watch.mu.Unlock()
	a.watch.hangs = looks
}

// Hear has all streams that there are hear of their clients so.
func (a *Streams) Hear(owes func() (something bool, silent time.Duration)) {
	a.watch.mu.Lock()
	defer a.watch.mu.Unlock()
	for s := range a.watch.streams {
		s.ear = hearing(owes)
	}
}

type hearing func() (something bool, silent time.Duration)

func (h hearing) owes() (something bool, silent time.Duration) { return h() }

// Watched returns how many streams the watchdog has.
func (a *Streams) Watched() int { return a.watch.count() }
