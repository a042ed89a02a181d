// Package feed turns polls into streams: a feed is all chains of one poll request, a
// chain is a cursor that moves, and readers follow the log of what it brought.
//
// The package knows no Caddy and no HTTP handler: it is given a [Poll] and gives out
// bytes of text/event-stream.
package feed

import (
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Feed is all chains of one poll request. Its methods may be called by any goroutine.
type Feed struct {
	config *Config
	health health
	lobby  *log // the readers that wait for a place stand here

	mu       sync.Mutex
	chains   []*chain          // oldest first
	starts   map[string]*start // by Start.Key
	waiting  []*Reader         // for a chain, as there are too many
	yielding *time.Timer       // runs while readers wait
	closing  *time.Timer       // runs while a refusal is remembered and nobody is here
	circuit  circuit
	remarked remarked
	last     LastPoll
	polls    int64
	errors   int64
	events   int64
	saved    int64
	halted   bool
	closed   bool
}

// New returns a feed without chains. Nothing is polled before somebody joins.
func New(config *Config, logger *zap.Logger) *Feed {
	f := &Feed{config: config, starts: make(map[string]*start), circuit: newCircuit(config)}
	f.health = newHealth(f, logger)
	f.lobby = newLog(nil, config.Budget)
	return f
}

// Idle reports whether nobody reads the feed.
func (f *Feed) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.chains {
		if c.audience.present() {
			return false
		}
	}
	return len(f.waiting) == 0
}

// leave takes a reader off its chain, which then stops after the linger.
func (f *Feed) leave(r *Reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = slices.DeleteFunc(f.waiting, func(other *Reader) bool { return other == r })
	if r.chain != nil {
		r.chain.leave(r)
	}
}

// ended forgets a chain whose poller has stopped, and closes the feed with its last one.
func (f *Feed) ended(c *chain) {
	f.mu.Lock()
	f.detach(c)
	f.seatWaiting()
	done := f.done()
	f.mu.Unlock()
	if done {
		f.config.Closed(f)
	}
}

// detach takes a chain off the feed. The feed's lock is held.
func (f *Feed) detach(c *chain) {
	c.audience.stay()
	if i := slices.Index(f.chains, c); i >= 0 {
		f.chains = slices.Delete(f.chains, i, i+1)
		f.config.Counters.gauge(-1, 0)
		c.log.free()
		// all that it brought could be reached from these, until another chain polls
		maps.DeleteFunc(f.starts, func(_ string, s *start) bool { return s.chain.final() == c })
		f.abandon(c)
	}
}

// done reports, once, whether the feed has closed: it has no chain, and no refusal to
// remember. The feed's lock is held.
func (f *Feed) done() bool {
	if len(f.chains) > 0 || f.closed {
		return false
	}
	if left := f.health.remembers(time.Now()); left > 0 && !f.halted {
		if f.closing == nil {
			f.closing = time.AfterFunc(left, func() {
				f.mu.Lock()
				f.closing = nil
				done := f.done()
				f.mu.Unlock()
				if done {
					f.config.Closed(f)
				}
			})
		}
		return false
	}
	f.closed = true
	f.health.close()
	return true
}

// Halt ends all polls for good; streams stay until they are stopped. It does not wait.
func (f *Feed) Halt() {
	f.mu.Lock()
	f.halted = true
	for _, c := range f.chains {
		c.cancel()
	}
	if f.closing != nil {
		f.closing.Stop()
	}
	if f.yielding != nil {
		f.yielding.Stop()
	}
	done := f.done()
	f.mu.Unlock()
	if done {
		f.config.Closed(f)
	}
}

// stop ends all streams and polls.
func (f *Feed) stop(end *End) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Clone(f.chains) {
		for _, r := range c.audience.readers {
			r.stop(end)
		}
		c.end()
	}
	for _, r := range f.waiting {
		r.stop(end)
	}
	f.waiting = nil   // no chain begins for who is sent away
	f.circuit.close() // who comes next makes the first contact again
}
