package feed

import (
	"context"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// chain is a cursor that moves: one poller, and the log of the events that it brought. At most one poll is in
// flight. Its state is in its parts; this file has what one poll means to several parts. The feed's lock
// guards it, and is held in all methods that do not say otherwise.
type chain struct {
	feed    *common
	id      string
	key     string          // of its first request: equal for chains whose polls without a cursor are equal
	ctx     context.Context // done: the chain has ended
	cancel  context.CancelFunc
	session Session // the poller's own
	log     *log

	audience audience
	pace     pace
	progress progress
	document document
	messages messages
	check    checking
	meeting  meeting
	sharing  sharing
	told     told
	finds    finds
	hold     *hold // the poll that is in flight, in long polling

	connection connection // of a stream
	first      *start     // the poll that newcomers share, until it is answered

	recent   recent    // ids of items, if they come once
	lapsed   reset     // why a session or an answer was lost, which readers do not know yet; empty: none was
	failures int       // failed polls in a row
	failed   time.Time // when the last of them did
	alone    bool      // only this chain fails: the feed works
	finished bool      // the upstream has said that nothing will follow
}

// over reports whether the chain has ended. Anybody may ask.
func (c *chain) over() bool { return c.ctx.Err() != nil }

// due returns for how long the chain has to wait, and whether anybody wants the poll. It takes the feed's lock.
func (c *chain) due(now time.Time) (wait time.Duration, wanted bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.over() {
		return 0, false
	}
	if c.meeting.yield {
		c.meeting.yield = false
		c.startOver(now, yielded)
	}
	next := c.pace.next
	if c.document.awaited() || c.pace.hurried && c.pace.why == NoNews {
		next = c.pace.earliest()
	} else if lead := c.feed.chains.lead(c); lead != nil && c.pace.polls > 0 && c.failures == 0 {
		if next = lead.pace.beside(next, c.pace.started, now); c.pace.why == AskedTo {
			next = later(next, c.pace.next)
		}
	}
	if wanted = c.audience.wants(); wanted {
		next, wanted = c.feed.circuit.gate(c, next)
	}
	return next.Sub(now), wanted
}

// begin notes that a poll is made, and returns where the chain stands, and the request; ok is false if the chain has
// ended. It takes the feed's lock.
func (c *chain) begin(now time.Time) (from Stand, ask Ask, ok bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.over() {
		return Stand{}, Ask{}, false
	}
	from = c.stand(now)
	awaited := c.document.awaited()
	asked := c.check.next(awaited && c.document.key != "")
	c.feed.starts.forget(now, c.feed.config.startServes(), c.feed.full())
	number := c.pace.start(now)
	c.sharing.came, c.sharing.dropped = came{}, false
	c.connection.asked(now)
	c.feed.circuit.probes(c)
	ask = c.progress.words(asked)
	ask.Number, ask.Chain, ask.Session, ask.Set = number, c.id, &c.session, c.document.known.set
	switch asked {
	case onward:
		ask.Held = c.pace.held && c.feed.config.LongPoll
		ask.Ring = c.progress.placed && c.pace.more == 0 && c.progress.carry == nil && c.failures == 0 && !awaited
	case anew:
		c.session.Opened = nil // what it got may have moved on
	}
	ask.Aside = asked != onward
	if awaited {
		c.showLater()
	}
	if c.feed.config.Messages && !c.feed.config.Stream && asked == onward && ask.First && c.first == nil { // it is the same as a newcomer's
		c.first = c.feed.starts.offer(c.key, c)
	}
	return from, ask, true
}

// take processes a readable answer, and reports whether it was news. It takes the feed's lock.
func (c *chain) take(p page.Page) (news bool) {
	now := time.Now()
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.over() {
		return false
	}
	c.pace.polling = false
	c.alive(now)
	c.feed.remarks.answer(p, c.feed.config.Document, c.feed.health.logger)
	c.finds.poll(p.Status == 0 && !p.News && c.progress.at.IsZero() && c.pace.heldFor(now), c.feed.health.logger)
	if c.settled(p, now) {
		c.count(now, Silent, p.Status, 0)
		return false
	}
	c.sharing.came.taken = true
	c.failures, c.progress.placed, c.progress.good = 0, true, c.pace.started
	if c.settles(p, now) {
		c.renew()
		c.pace.placed()
	}
	if c.feed.config.Once && !c.feed.config.Messages {
		if p = c.recent.drop(p, c.progress.at, c.feed.config.Replay); len(p.Events) == 0 {
			p.News = false
		}
	}
	news = p.News
	from := c.progress.at.Cursor
	if c.feed.config.Document {
		c.finds.document(p, c.feed.health.logger)
		news = c.takeDocument(p, time.Time{})
	} else {
		c.takeEvents(p, c.pace.started, now)
	}
	switch {
	case c.feed.config.Stream: // the poll goes on
		c.feed.config.Counters.came(len(p.Events))
		c.feed.tally.came(LastPoll{At: c.sent(), Outcome: News, Status: p.Status, Events: len(p.Events)})
	case news:
		c.count(now, News, p.Status, len(p.Events))
	default:
		c.count(now, Silent, p.Status, 0)
	}
	if c.first != nil {
		c.first.answered, c.first.prompt = now, !c.pace.heldFor(now)
		c.first = nil
	}
	more := p.More && (p.Carry != nil || !p.Next.Cursor.Equal(from) || c.feed.config.Once)
	c.pace.answered(now, news && !c.messages.echo, len(p.Events) > 0, more, p.Wait)
	if p.End && !more {
		c.feed.finish(c)
		return news
	}
	c.feed.meet()
	return news
}

// alive notes that the upstream has answered a poll, or holds it.
func (c *chain) alive(now time.Time) {
	if c.check.answered() {
		c.feed.health.up()
		c.feed.circuit.answered(c, now)
	}
	if c.feed.config.Stream && c.check.asked == onward {
		c.connection.up = true
		c.renew()
	}
}

// found notes that the upstream holds the poll with a number, so it is reachable. It reports whether that poll
// only asks a question. It takes the feed's lock.
func (c *chain) found(number int) (question bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.over() || !c.pace.polling || c.pace.polls-1 != number {
		return false
	}
	if c.check.asked == onward {
		c.failures = 0
	}
	if c.alive(time.Now()); c.check.asked == onward {
		c.renew()
	}
	return c.check.aside()
}

// settled passes an answer to the check first, and reports whether the readers get nothing of it.
func (c *chain) settled(p page.Page, now time.Time) bool {
	switch r := c.check.settle(p, c.feed.circuit.open); {
	case !r.spent:
		if r.reset != "" { // by this answer, of the session that goes on
			opened := c.session.Opened
			c.startOver(now, r.reset)
			c.session.Opened = opened
			if c.feed.config.Stream { // the rest of the answer to a question is lost
				c.lapsed = gap
			}
		}
		return false
	case r.back:
		c.startOver(now, r.reset)
		c.finds.reset(c.pace.reset(now, p.Wait), c.feed.health.logger)
	default:
		if r.reset != "" {
			c.startOver(now, r.reset)
			c.check.passed = true
		}
		c.pace.soon(now)
		c.pace.hint(now, p.Wait)
	}
	return true
}

// takeEvents processes an answer with events, and the position after them. sent is when its poll was; zero: nobody
// knows.
func (c *chain) takeEvents(p page.Page, sent, now time.Time) {
	config := c.feed.config
	c.finds.answer(p, c.feed.health.logger)
	if c.progress.carry = p.Carry; p.Carry != nil { // the readers stay where they are
		return
	}
	var before []byte
	if p.Lost {
		before = gap.event(&config.Counters)
		c.log.forget(before)
	}
	c.meeting.took(p, asked{from: c.progress.at, longPoll: config.LongPoll, keys: config.Tokens, sent: sent, answered: now})
	c.progress.taken(p)
	id := c.progress.at.ID()
	if len(p.Events) > 0 || before != nil {
		c.finds.any = true
		c.publish(encode(before, p.Events, config.Tokens))
	}
	if c.told.note(now, id, len(p.Events) > 0) {
		text := positionEvent(id)
		c.publish(sealed(text), []mark{{id: id, start: len(text), end: len(text)}})
	}
	c.log.border(id)
}

// publish appends a batch and wakes the readers.
func (c *chain) publish(b batch, marks []mark) {
	keep := c.feed.config.Replay
	if c.feed.config.skips() {
		keep = 1
	}
	c.audience.wanted.Store(false) // before the batch is there to be taken
	c.log.append(b, marks, keep)
	c.audience.wake()
}

// fail processes a failed poll. It takes the feed's lock.
func (c *chain) fail(err error) {
	now, by := time.Now(), failureOf(err)
	f := c.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	c.count(now, by.outcome, by.status, 0)
	switch {
	case by.refusal == nil:
		f.health.fail()
	case c.check.disputes(c.outside(now)): // it may be the client's id, until a poll without a position is refused too
	case f.health.refuse(now, by.refusal):
		f.health.deny(by.refusal, f.present())
		f.stopAll(&End{Reason: Refused, Refusal: by.refusal})
		return
	}
	if c.over() {
		return
	}
	f.remarks.wait(by.wait, by.wished, f.health.logger)
	c.pace.polling = false
	c.hangUp()
	c.failures++
	c.check.missed(!by.later && !c.pace.heldFor(now))
	if by.refusal != nil || c.failures%placeTries == 0 || f.config.Epochs || f.config.Loses && !by.later && !(f.config.Repeats && by.status == 0) {
		c.giveUp()
	}
	if c.check.unsettled(by, c.outside(now)) {
		f.circuit.spoken = f.circuit.open
	} else {
		c.pace.held = false // so that the polls that find an upstream back count among those that are bounded
		f.circuit.failed(c, now, by)
		if !c.alone {
			c.sharing.came.failed = &by
		}
	}
	c.failed = now
	switch c.check.failed(by, c.outside(now)) {
	case backsOff:
		c.pace.failed(now, by.wait)
	case asks, skips:
		c.pace.soon(now)
	case restarts:
		c.startOver(now, unknownID)
		c.finds.reset(c.pace.reset(now, by.wait), f.health.logger)
	}
}

// outside returns what the chain's doubts depend on.
func (c *chain) outside(now time.Time) outside {
	f := c.feed
	return outside{
		failures: c.failures, open: f.circuit.open, spoken: f.circuit.spoken, first: f.health.first(),
		disputable: !c.progress.placed || f.chains.vouch(c, now) || f.chains.answered(c),
	}
}

// heard lets streams begin that wait for the first answer, unless another answer decides about them. It takes
// the feed's lock.
func (c *chain) heard() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if !c.finished && (!c.check.is(asking) || !c.feed.health.first()) {
		c.feed.health.answer()
	}
}

// startOver continues as for a newcomer, and tells the readers.
func (c *chain) startOver(now time.Time, reason reset) {
	c.sharing.came.reset = reason
	c.progress.forget()
	c.document.forget()
	c.check.forget()
	c.meeting.forget()
	c.recent.forget()
	if c.failures = 0; c.feed.config.Loses && reason == ordered {
		c.lapse(reason)
		c.pace.soon(now)
		return
	}
	c.session.Opened = nil
	if c.announce(reason); c.feed.config.Stream {
		c.lapsed, c.connection.up = "", false
		c.first = c.feed.starts.offer(c.key, c)
	}
	c.pace.soon(now)
}

// count counts a finished poll.
func (c *chain) count(now time.Time, outcome Outcome, status, events int) {
	poll := LastPoll{At: c.sent(), Took: now.Sub(c.sent()), Outcome: outcome, Status: status, Events: events}
	saved := len(c.audience.readers)
	if outcome != Shared {
		saved = max(saved-1, 0)
	}
	c.feed.config.Counters.poll(poll, saved)
	c.feed.tally.poll(poll, saved)
}

// sent returns when the request was sent whose answer the chain has, or waits for.
func (c *chain) sent() time.Time {
	if c.feed.config.Stream {
		return c.connection.since
	}
	return c.pace.started
}

// sit adds a reader to the chain, at a place in its log.
func (c *chain) sit(r *Reader, at place) {
	c.add(r)
	r.open(at)
}

func (c *chain) add(r *Reader) {
	r.chain = c
	r.arrival.start = Start{} // it has served, and would hold the client's whole request
	c.audience.add(r)
}

// leave removes a reader from the chain, which ends some time after the last one has left.
func (c *chain) leave(r *Reader) {
	c.audience.leave(r)
	c.document.leave(r)
	if c.audience.present() || c.over() {
		return
	}
	c.feed.circuit.leave(nil)
	if c.feed.peers != nil {
		c.audience.nudge() // another node polls at once
	}
	c.audience.wait(c.feed.config.Linger, &c.feed.mu, func() { c.feed.end(c) })
}
