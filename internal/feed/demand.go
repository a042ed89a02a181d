package feed

import "sync/atomic"

// demand is whether a chain has to poll: only when one of its readers has taken the last page. Nobody needs a
// lock for it.
type demand struct {
	wanted   atomic.Bool
	schedule *Schedule
	turn     *turn // of the poller; nil: there is none yet
}

// taken is called by a reader that has taken the last page. In a lobby (nil) there is none.
func (d *demand) taken() {
	if d != nil && !d.wanted.Load() && !d.wanted.Swap(true) {
		d.nudge()
	}
}

// hurry makes the chain poll as soon as it may.
func (d *demand) hurry() {
	d.wanted.Store(true)
	d.nudge()
}

// nudge has the poller look again at what it waits for.
func (d *demand) nudge() {
	if d.turn != nil {
		d.schedule.wake(d.turn)
	}
}
