package feed

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// startKept is for how long an answer to newcomers serves those who come when there are as many chains
// as there may be.
const startKept = time.Minute

// Start is a client's own first request.
type Start struct {
	Key  string // equal for equal requests
	Poll Poll
	// Asks reports whether a poll can be made from a position, which is what a client says it is.
	// nil: from any.
	Asks func(position.Position) bool
}

// start is the first poll of newcomers, which those with the same request share.
type start struct {
	chain    *chain
	root     place // before the answer
	answered time.Time
	prompt   bool // it was answered sooner than a long poll
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
	r := &Reader{feed: f, lastID: lastID, start: first, desk: &node{log: f.lobby}, wake: make(chan struct{}, 1)}
	r.at = place{node: r.desk}
	if refusal := f.health.recall(time.Now(), f.config.Interval); refusal != nil {
		r.stop(&End{Reason: Refused, Refusal: refusal})
		return r
	}
	if !f.seat(r) {
		f.waiting = append(f.waiting, r)
		f.watchYield()
	}
	return r
}

// seat gives a reader a place in a log, unless that would take one chain too many. The feed's
// lock is held.
func (f *Feed) seat(r *Reader) bool {
	switch {
	case f.config.Document:
		return f.seatDocument(r)
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
			r.before = f.reset(unknownID)
		}
		return f.seatNewcomer(r)
	}
	if len(f.chains) >= f.config.Chains {
		return false
	}
	c := f.newChain(r.start)
	c.progress.at, c.standing = at, brought(time.Now())
	if f.circuit.away {
		c.owe()
	}
	c.log.mark(at.ID(), c.log.end(), nil)
	r.sit(c, c.log.end())
	go c.run()
	return true
}

// seatNewcomer gives a reader what its own first poll would get, or has got.
func (f *Feed) seatNewcomer(r *Reader) bool {
	if f.config.Forgetful && len(f.chains) > 0 {
		r.sit(f.chains[0], f.chains[0].log.end())
		return true
	}
	now := time.Now()
	if s := f.starts[r.start.Key]; s != nil && s.shared(now, f.config.Interval) {
		r.sit(s.chain.final(), s.root)
		return true
	}
	if len(f.chains) >= f.config.Chains {
		// rather than nothing for now, what came a little earlier, and all since
		if s := f.starts[r.start.Key]; s != nil && s.serves(now, startKept) {
			r.sit(s.chain.final(), s.root)
			return true
		}
		return false
	}
	c := f.newChain(r.start)
	c.first, c.reached = &start{chain: c, root: c.log.end()}, true
	f.starts[r.start.Key] = c.first
	r.sit(c, c.first.root)
	go c.run()
	return true
}

// seatDocument gives a reader the newest document: that of the log if it is fresh, and else
// the answer to a poll that is due at once.
func (f *Feed) seatDocument(r *Reader) bool {
	if len(f.chains) == 0 {
		go f.newChain(r.start).run()
	}
	c := f.chains[0]
	c.add(r)
	r.desk.log = c.log // where it hears of the upstream's failures while it waits
	now := time.Now()
	if c.document.key != "" && c.fresh(now) && c.document.knows(r.lastID) {
		c.document.show(r)
		return true
	}
	c.document.await(r, now)
	c.audience.hurry()
	if c.pace.polling {
		c.showLater()
	}
	return true
}

// forgetStarts drops the starts that serve nobody any more: all that came after one could be
// reached from it.
func (f *Feed) forgetStarts(now time.Time) {
	within := f.config.Interval
	if len(f.chains) >= f.config.Chains {
		within = max(within, startKept)
	}
	for key, s := range f.starts {
		if !s.serves(now, within) {
			delete(f.starts, key)
		}
	}
}

// shared reports whether a newcomer at the given time gets the same from s as from a poll of its
// own: while s waits for its answer, and for an interval after a prompt one.
func (s *start) shared(now time.Time, interval time.Duration) bool {
	return (s.prompt || s.answered.IsZero()) && s.serves(now, interval)
}

// serves reports whether a newcomer can still get the answer of s, and all that came since, so long
// after it at most.
func (s *start) serves(now time.Time, within time.Duration) bool {
	return s.chain.final().ctx.Err() == nil && s.root.readable() && (s.answered.IsZero() || now.Sub(s.answered) < within)
}

// seatWaiting seats those who can be by now. The feed's lock is held.
func (f *Feed) seatWaiting() {
	if f.halted {
		return
	}
	waiting := f.waiting
	f.waiting = nil
	for i, r := range waiting {
		if !f.seat(r) {
			f.waiting = append(f.waiting, waiting[i:]...)
			break
		}
	}
	if len(f.waiting) == 0 && f.yielding != nil {
		f.yielding.Stop()
		f.yielding = nil
	}
}

func (f *Feed) newChain(first Start) *chain {
	ctx, cancel := context.WithCancel(context.Background())
	c := &chain{
		feed: f, poll: first.Poll, ctx: ctx, cancel: cancel,
		id: uuid.NewString(), session: Session{Jar: f.config.NewJar()},
		pace: newPace(f.config), born: time.Now(),
	}
	c.log = newLog(&c.audience, f.config.Budget)
	c.progress.config = f.config
	c.document = document{config: f.config, log: c.log}
	c.audience.kick = make(chan struct{}, 1)
	c.audience.demand.Store(true)
	if f.circuit.open {
		c.log.say(f.circuit.comment)
	}
	f.chains = append(f.chains, c)
	f.config.Counters.gauge(1, 0)
	return c
}
