package feed

import (
	"sync/atomic"
	"time"
)

// audience is who reads a chain. A chain polls only while somebody reads, and only when one of them
// has taken its last page.
type audience struct {
	demand atomic.Bool   // a reader has taken the last page
	kick   chan struct{} // something that the poller waits for has changed

	// guarded by feed.mu
	readers []*Reader
	linger  *time.Timer // runs when none is left
}

// taken is called by a reader that has taken the last page. In a lobby there is nobody to hear it.
func (a *audience) taken() {
	if a != nil && !a.demand.Load() && !a.demand.Swap(true) {
		a.nudge()
	}
}

// hurry makes the chain poll as soon as it may.
func (a *audience) hurry() {
	a.demand.Store(true)
	a.nudge()
}

// nudge has the poller look again at what it waits for.
func (a *audience) nudge() {
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

func (a *audience) present() bool { return len(a.readers) > 0 }

// wants reports whether a poll is wanted.
func (a *audience) wants() bool { return a.present() && a.demand.Load() }

// add takes a reader in.
func (a *audience) add(r *Reader) {
	r.slot = len(a.readers)
	a.readers = append(a.readers, r)
	a.stay()
	if a.demand.Load() {
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

// stay makes nothing of the end that follows some time after the last reader.
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
