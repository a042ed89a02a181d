// Package feed turns polls into streams: a feed is all chains of one poll request, a
// chain is a cursor that moves, and readers follow the log of what it brought.
//
// The package knows no Caddy and no HTTP handler: it is given a [Poll] and gives out
// bytes of text/event-stream.
//
// Its verbs of ending have one meaning each: a stream is stopped, a chain ends, a feed closes, a poll is
// abandoned, a reader leaves, and what was known is forgotten.
package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Feed is all chains of one poll request. Its methods may be called by any goroutine.
type Feed struct {
	config *Config
	health health

	mu      sync.Mutex
	chains  chains
	starts  starts
	lobby   lobby
	circuit circuit
	remarks remarks
	tally   Tally
	closing *time.Timer // runs while a refusal is remembered and nobody is here
	halted  bool
	closed  bool
}

// New returns a feed without chains. Nothing is polled before somebody joins.
func New(config *Config, logger *zap.Logger) *Feed {
	f := &Feed{config: config, starts: make(starts), remarks: remarks{config: config, logger: logger}}
	f.health = newHealth(f, logger)
	f.lobby.log = newLog(nil, config.Budget)
	f.circuit = circuit{config: config, chains: &f.chains, lobby: &f.lobby, health: &f.health, backoff: newBackoff()}
	return f
}

// Join gives a client its place. lastID is the event id that it has seen last; an empty one
// makes it a newcomer, for whom first is its own request. It returns nil if the feed has
// closed: ask for a new one.
func (f *Feed) Join(lastID string, first Start) *Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.halted {
		return nil
	}
	r := &Reader{feed: f, lastID: lastID, start: first, desk: &node{log: f.lobby.log}, wake: make(chan struct{}, 1)}
	r.at = place{node: r.desk}
	if refusal := f.health.recall(time.Now(), f.config.Interval); refusal != nil {
		r.stop(&End{Reason: Refused, Refusal: refusal})
		return r
	}
	if !f.seat(r) {
		f.lobby.waiting = append(f.lobby.waiting, r)
		f.lobby.look(f.makeRoom)
	}
	return r
}

// seat gives a reader a place in a log, unless that would take one chain too many. The feed's
// lock is held.
func (f *Feed) seat(r *Reader) bool {
	switch {
	case f.config.Document:
		f.seatDocument(r)
		return true
	case r.lastID == "":
		return f.seatNewcomer(r)
	}
	for _, c := range f.chains {
		if at, ok := c.log.find(r.lastID); ok {
			r.sit(c, at)
			return true
		}
	}
	at, err := position.Parse(r.lastID, f.config.Cursors)
	if err != nil || f.config.Forgetful || r.start.Asks != nil && !r.start.Asks(at) {
		if r.before == nil { // else it has waited since
			r.before = unknownID.event(&f.config.Counters)
		}
		return f.seatNewcomer(r)
	}
	if f.full() {
		return false
	}
	c := f.begin(r.start)
	c.progress.at, c.meeting.standing = at, brought(time.Now())
	if f.circuit.away {
		c.check.owe(false)
	}
	c.log.mark(at.ID(), c.log.end(), nil)
	r.sit(c, c.log.end())
	return true
}

// seatNewcomer gives a reader what its own first poll would get, or has got.
func (f *Feed) seatNewcomer(r *Reader) bool {
	if f.config.Forgetful && len(f.chains) > 0 {
		r.sit(f.chains[0], f.chains[0].log.end())
		return true
	}
	if s := f.starts.find(r.start.Key, time.Now(), f.config.Interval, f.full()); s != nil {
		r.sit(s.heir(), s.root)
		return true
	}
	if f.full() {
		return false
	}
	c := f.begin(r.start)
	c.first, c.meeting.reached = &start{chain: c, root: c.log.end()}, true
	f.starts[r.start.Key] = c.first
	r.sit(c, c.first.root)
	return true
}

// seatDocument gives a reader the newest document: that of the log if it is fresh, and else
// the answer to a poll that is due at once.
func (f *Feed) seatDocument(r *Reader) {
	if len(f.chains) == 0 {
		f.begin(r.start)
	}
	c, now := f.chains[0], time.Now()
	c.add(r)
	r.desk.log = c.log // where it hears of the upstream's failures while it waits
	if c.document.key != "" && c.fresh(now) && c.document.knows(r.lastID) {
		c.document.show(r)
		return
	}
	c.document.await(r, now)
	c.audience.hurry()
	if c.pace.polling {
		c.showLater()
	}
}

// full reports whether there are as many chains as there may be.
func (f *Feed) full() bool { return len(f.chains) >= f.config.Chains }

// begin begins a chain by a client's own first request. The feed's lock is held, so nothing is polled yet.
func (f *Feed) begin(first Start) *chain {
	c := f.newChain()
	go (&poller{chain: c, poll: first.Poll}).run()
	return c
}

func (f *Feed) newChain() *chain {
	c := &chain{feed: f, id: uuid.NewString(), session: Session{Jar: f.config.NewJar()}, pace: newPace(f.config)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.audience.kick = make(chan struct{}, 1)
	c.audience.demand.Store(true)
	c.log = newLog(&c.audience, f.config.Budget)
	if f.circuit.open {
		c.log.notice.say(f.circuit.comment)
	}
	c.progress.config = f.config
	c.check.progress = &c.progress
	c.document = document{config: f.config, log: c.log}
	c.meeting.born = time.Now()
	f.chains = append(f.chains, c)
	f.config.Counters.gauge(1, 0)
	return c
}

// meet ends the chains that stand where another one's log can take their readers over. It is
// called whenever a chain has moved. The feed's lock is held.
func (f *Feed) meet() {
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
	f.seatWaiting()
}

// goOver ends a chain whose readers go on in the log of another one. The feed's lock is held.
func (f *Feed) goOver(c, to *chain, at place) {
	c.meeting.into = to
	f.end(c)
	for _, r := range c.audience.readers {
		to.add(r)
	}
	c.log.tail.Load().jump.Store(&at)
	c.audience.wake()
	c.audience.readers = nil
}

// makeRoom makes room for those who wait, and looks again later.
func (f *Feed) makeRoom() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lobby.looking = false; f.halted || len(f.lobby.waiting) == 0 {
		return
	}
	from, to := f.chains.room(time.Now())
	for _, c := range from {
		if to == nil {
			c.meeting.yield = true
			c.audience.nudge()
			continue
		}
		c.publish(yielded.event(&f.config.Counters), nil)
		f.goOver(c, to, to.log.end())
		f.seatWaiting()
	}
	f.lobby.look(f.makeRoom)
}

// seatWaiting seats those who can be by now. The feed's lock is held.
func (f *Feed) seatWaiting() {
	if !f.halted {
		f.lobby.seat(f.seat)
	}
}

// Idle reports whether nobody reads the feed.
func (f *Feed) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.lobby.waiting) == 0 && !slices.ContainsFunc(f.chains, func(c *chain) bool { return c.audience.present() })
}

// Status returns how the feed is. It holds the feed's lock for a moment.
func (f *Feed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting := len(f.lobby.waiting)
	s := Status{Clients: waiting, Waiting: waiting, Tally: f.tally}
	s.State, s.Reason, s.Since = f.health.state()
	for _, c := range f.chains {
		s.chain(c)
	}
	if len(f.chains) > 0 {
		s.head(f.chains[0])
	}
	return s
}

// leave takes a reader off its chain, which then ends after the linger.
func (f *Feed) leave(r *Reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lobby.leave(r)
	if r.chain != nil {
		r.chain.leave(r)
	}
}

// end ends a chain for good: it polls no more, and nobody joins it from now on. The feed's lock is held.
func (f *Feed) end(c *chain) {
	c.cancel()
	c.audience.stay()
	if i := slices.Index(f.chains, c); i >= 0 {
		f.chains = slices.Delete(f.chains, i, i+1)
		f.config.Counters.gauge(-1, 0)
		c.log.free()
		f.starts.forgetOf(c)
		f.circuit.leave(c)
	}
}

// ended is told by the poller of a chain that it polls no more. The feed closes with its last chain.
func (f *Feed) ended(c *chain) {
	f.mu.Lock()
	f.end(c)
	f.seatWaiting()
	f.unlockAndClose()
}

// unlockAndClose gives the feed's lock back, and closes a feed that has no chain, and no refusal to remember.
func (f *Feed) unlockAndClose() {
	closes := f.closes()
	f.mu.Unlock()
	if closes {
		f.config.Closed(f)
	}
}

// closes reports, once, whether the feed closes. The feed's lock is held.
func (f *Feed) closes() bool {
	if len(f.chains) > 0 || f.closed {
		return false
	}
	if left := f.health.remembers(time.Now()); left > 0 && !f.halted {
		if f.closing == nil {
			f.closing = time.AfterFunc(left, func() {
				f.mu.Lock()
				f.closing = nil
				f.unlockAndClose()
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
	f.unlockAndClose()
}

// stop stops all streams and ends all chains. The feed's lock is held.
func (f *Feed) stop(end *End) {
	for _, c := range slices.Clone(f.chains) {
		c.stop(end)
	}
	f.lobby.stop(end)
	f.circuit.forget() // who comes next makes the first contact again
}
