// Package feed turns polls into streams. A feed is one poll request with all its chains. A chain is a
// cursor that moves. Readers follow the log of the events that a chain's polls brought.
//
// The package does not depend on Caddy or on an HTTP handler: it gets a [Poll], and returns bytes of
// text/event-stream.
//
// Each verb of ending has one meaning: a stream is stopped, a chain ends, a feed closes, a poll is
// abandoned, a reader leaves, and knowledge is forgotten.
package feed

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Feed is all chains of one poll request. Its methods may be called by any goroutine.
type Feed struct {
	common

	closing *time.Timer // runs while a refusal is remembered and nobody is here
	halted  bool
	closed  bool
}

// New returns a feed without chains. Nothing is polled before somebody joins.
func New(config *Config, logger *zap.Logger) *Feed {
	f := &Feed{common: common{config: config, starts: make(starts)}}
	f.host = f
	f.health = newHealth(f, logger)
	f.lobby.log = newLog(nil, config.Budget)
	f.circuit.feed = &f.common
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
	r := &Reader{feed: &f.common, lastID: lastID, fed: lastID != "", arrival: &arrival{start: first, desk: &node{log: f.lobby.log}}}
	r.wake.Store(&bell{ring: make(chan struct{}, 1)})
	r.at = place{node: r.desk}
	if refusal := f.health.recall(time.Now(), f.config.Interval); refusal != nil {
		f.health.deny(refusal, 1)
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
	case f.halted:
		return false
	case f.config.Document:
		f.seatDocument(r)
		return true
	case r.lastID == "":
		return f.seatNewcomer(r)
	}
	if f.seatBehind(r, r.lastID) {
		return true
	}
	at, err := position.Parse(r.lastID, f.config.Cursors)
	if err != nil || f.config.Forgetful || r.start.Asks != nil && !r.start.Asks(at) {
		if r.before == nil { // else it has waited since
			r.before = unknownID.event(&f.config.Counters)
		}
		return f.seatNewcomer(r)
	}
	if f.config.counts(at) {
		return f.seatCounted(r, at)
	}
	return f.seatAt(r, at)
}

// seatBehind gives a reader its place in a log that holds an id.
func (f *Feed) seatBehind(r *Reader, id string) bool {
	for _, c := range f.chains {
		if at, ok := c.log.find(id); ok {
			c.sit(r, at)
			return true
		}
	}
	return false
}

// seatCounted gives a place to a reader whose id is a count of a chain that has ended, or of another node's.
// It continues at the cursor of its position, or, without a cursor, as a newcomer.
func (f *Feed) seatCounted(r *Reader, at position.Position) bool {
	if r.before == nil { // else it has waited since
		r.before = gap.event(&f.config.Counters)
	}
	if at.Cursor.IsZero() {
		return f.seatNewcomer(r)
	}
	at.Done, at.Print = 0, position.Print{}
	return f.seatBehind(r, at.ID()) || f.seatAt(r, at)
}

// seatAt gives a reader a chain that begins at a position, unless that would be one too many.
func (f *Feed) seatAt(r *Reader, at position.Position) bool {
	if f.full() {
		return false
	}
	c := f.connect(r)
	if c == nil {
		return true
	}
	c.progress.at, c.meeting.standing = at, brought(time.Now())
	if f.circuit.away {
		c.check.owe(false)
	}
	c.log.mark(at.ID(), c.log.end(), nil)
	c.sit(r, c.log.end())
	return true
}

// seatNewcomer gives a reader what its own first poll would get, or has got.
func (f *Feed) seatNewcomer(r *Reader) bool {
	if f.config.Forgetful && len(f.chains) > 0 {
		f.chains[0].sit(r, f.chains[0].log.end())
		return true
	}
	if s := f.starts.find(r.start.Key, time.Now(), f.config.startServes(), f.full()); s != nil && !f.headOnly(s.heir()) {
		s.heir().sit(r, s.root)
		return true
	}
	if c := f.chains.asking(r.start.Key); c != nil {
		c.pace.hurried = true
		c.sit(r, c.log.end())
		c.audience.nudge()
		return true
	}
	if f.full() {
		return false
	}
	c := f.connect(r)
	if c == nil {
		return true
	}
	c.first, c.meeting.reached = f.starts.offer(r.start.Key, c), true
	c.sit(r, c.first.root)
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

// headOnly reports whether a newcomer beside a chain gets only what comes from now on: that of a stream whose
// records are no places to ask from.
func (f *Feed) headOnly(c *chain) bool {
	return f.config.Stream && c.progress.at.Cursor.IsZero() && f.config.counts(c.progress.at)
}

// connect is begin for a reader. It stops the reader and returns nil if there is no room for another connection to
// the upstream.
func (f *Feed) connect(r *Reader) *chain {
	if !f.config.Connections.take() {
		r.stop(&End{Reason: Busy})
		return nil
	}
	return f.begin(r.start)
}

// begin begins a chain by a client's own first request. The feed's lock is held, so nothing is polled yet.
func (f *Feed) begin(first Start) *chain {
	c := f.newChain()
	c.key = first.Key
	p := &poller{chain: c, poll: first.Poll}
	p.turn.of, p.turn.prompt = p, f.config.LongPoll
	c.audience.turn = &p.turn
	f.config.Schedule.begin(&p.turn)
	return c
}

func (f *Feed) newChain() *chain {
	c := &chain{feed: &f.common, id: uuid.NewString(), session: Session{Jar: f.config.NewJar()}, pace: pace{config: f.config, wait: f.config.Interval}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.audience.schedule = f.config.Schedule
	c.audience.wanted.Store(true)
	c.log = newLog(&c.audience.demand, f.config.Budget)
	if f.circuit.open {
		c.log.notice.say(f.circuit.comment)
	}
	c.progress.config = f.config
	c.check.progress = &c.progress
	c.document = document{config: f.config, log: c.log}
	c.messages.config, c.connection.config = f.config, f.config
	c.meeting.born = time.Now()
	f.chains = append(f.chains, c)
	f.config.Counters.gauge(1, 0)
	return c
}

// makeRoom makes room for the readers that wait, and looks again later.
func (f *Feed) makeRoom() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lobby.timer = nil; f.halted || len(f.lobby.waiting) == 0 {
		return
	}
	from, to := f.chains.room(time.Now())
	for _, c := range from {
		if to == nil {
			c.meeting.yield = true
			c.audience.nudge()
			continue
		}
		c.publish(sealed(yielded.event(&f.config.Counters)), nil)
		f.goOver(c, to, to.log.end())
		f.lobby.clear(f)
	}
	f.lobby.look(f.makeRoom)
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
	switch s.Warnings = f.remarks.hold; s.State {
	case Shut:
		s.Denied = f.health.refusal.Status
	case Down:
		s.Warnings |= f.health.warning
	}
	if f.peers != nil {
		s.Standing = f.peers.Standing()
	}
	for _, c := range f.chains {
		s.chain(c)
	}
	if len(f.chains) > 0 {
		s.head(f.chains[0], f.chains[0].sent())
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

// ended is told by the poller of a chain that it has stopped. The feed closes with its last chain.
func (f *Feed) ended(c *chain) {
	f.mu.Lock()
	if !c.finished {
		f.health.answer()
	}
	f.end(c)
	f.lobby.clear(f)
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
	f.part()
	return true
}

// Halt ends all polls for good; streams stay until they are stopped. It does not wait.
func (f *Feed) Halt() {
	f.mu.Lock()
	f.halted = true
	f.part()
	for _, c := range f.chains {
		c.cancel()
		c.audience.nudge()
		c.connection.release()
	}
	if f.closing != nil {
		f.closing.Stop()
	}
	f.unlockAndClose()
}
