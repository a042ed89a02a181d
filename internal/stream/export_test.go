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

// Watched returns how many streams the watchdog has.
func (a *Streams) Watched() int { return a.watch.count() }
