package feed

import (
	"slices"
	"sync"
)

// common is what the chains and the readers of a feed have in common. Its methods are called with the feed's lock.
type common struct {
	config *Config
	host   host

	mu      sync.Mutex // the feed's lock, for all below
	health  health
	chains  chains
	starts  starts
	lobby   lobby
	circuit circuit
	remarks remarks
	tally   Tally
	peers   Peers // nil: polls are not shared
}

// full reports whether the limit of chains is reached.
func (f *common) full() bool { return len(f.chains) >= f.config.Chains }

// present returns how many clients there are.
func (f *common) present() (clients int) {
	for _, c := range f.chains {
		clients += len(c.audience.readers)
	}
	return clients + len(f.lobby.waiting)
}

// meet ends chains whose readers can continue in the log of another chain. It is called whenever a chain has
// moved.
func (f *common) meet() {
	if len(f.chains) < 2 {
		return
	}
	for _, b := range slices.Backward(slices.Clone(f.chains)) { // younger ones first
		for _, a := range f.chains {
			if at, ok := f.chains.met(b, a); ok {
				f.goOver(b, a, at)
				break
			}
		}
	}
	f.lobby.clear(f.host)
}

// goOver ends a chain, and moves its readers to the log of another one.
func (f *common) goOver(c, to *chain, at place) {
	c.meeting.into = to
	f.end(c)
	for _, r := range c.audience.readers {
		r.chain = to
		to.audience.add(r)
	}
	c.log.tail.Load().jump.Store(&at)
	c.audience.wake()
	c.audience.readers = nil
}

// end ends a chain for good: it no longer polls, and nobody joins it from now on.
func (f *common) end(c *chain) {
	c.cancel()
	c.audience.nudge()
	c.audience.stay()
	if i := slices.Index(f.chains, c); i >= 0 {
		f.chains = slices.Delete(f.chains, i, i+1)
		f.config.Counters.gauge(-1, 0)
		c.connection.release()
		c.log.free()
		if f.peers != nil {
			f.peers.Left(c.id)
		}
		f.starts.forgetOf(c)
		f.circuit.leave(c)
	}
}

// stop ends a chain, and stops its streams after they have sent everything.
func (f *common) stop(c *chain, end *End) {
	c.audience.stop(end)
	f.end(c)
}

// finish stops a chain behind which nothing will follow. Who comes back waits for an answer of their own.
func (f *common) finish(c *chain) {
	c.finished = true
	f.stop(c, &End{Reason: Ended})
	f.health.askAnew()
}

// stopAll stops all streams, and ends all chains.
func (f *common) stopAll(end *End) {
	for _, c := range slices.Clone(f.chains) {
		f.stop(c, end)
	}
	f.lobby.stop(end)
	f.circuit.forget() // the next client makes the first contact again
}

// part ends the sharing with other nodes.
func (f *common) part() {
	if f.peers != nil {
		f.peers.Close()
		f.peers = nil
	}
}
