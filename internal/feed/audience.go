package feed

import (
	"sync"
	"time"
)

// audience is the readers of a chain, which polls only while it has some. The feed's lock guards it, except for
// the demand.
type audience struct {
	demand

	readers []*Reader
	linger  *time.Timer // runs when none is left
}

func (a *audience) present() bool { return len(a.readers) > 0 }

// wants reports whether a poll is wanted.
func (a *audience) wants() bool { return a.present() && a.wanted.Load() }

// add takes a reader in.
func (a *audience) add(r *Reader) {
	r.slot = int32(len(a.readers))
	a.readers = append(a.readers, r)
	a.stay()
	if a.wanted.Load() {
		a.nudge() // it waited for a reader
	}
}

// leave takes a reader off.
func (a *audience) leave(r *Reader) {
	last := a.readers[len(a.readers)-1]
	a.readers[r.slot], last.slot = last, r.slot
	a.readers[len(a.readers)-1] = nil
	a.readers = a.readers[:len(a.readers)-1]
}

// wait has the chain end some time after the last reader, unless one comes before.
func (a *audience) wait(linger time.Duration, mu *sync.Mutex, end func()) {
	var timer *time.Timer
	timer = time.AfterFunc(linger, func() {
		mu.Lock()
		defer mu.Unlock()
		if a.linger == timer {
			end()
		}
	})
	a.linger = timer
}

// stay ends that wait.
func (a *audience) stay() {
	if a.linger != nil {
		a.linger.Stop()
		a.linger = nil
	}
}

func (a *audience) wake() {
	for _, r := range a.readers {
		r.signal()
	}
}

func (a *audience) stop(end *End) {
	for _, r := range a.readers {
		r.stop(end)
	}
}
