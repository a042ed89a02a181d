package feed

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// sayPosition is for how long a cursor moves without events before its position is sent.
const sayPosition = time.Minute

// errResetFirst is an answer to a newcomer's poll that cannot be one.
var errResetFirst = &page.Error{Comment: "unreadable answer", Err: errors.New("a reset condition holds for a poll without a position")}

// bareAnswers is after how many answers without items a path is in doubt.
const bareAnswers = 3

// chain is a cursor that moves: one poller, and the log of what it brought. One poll is in
// flight, ever.
type chain struct {
	feed    *Feed
	poll    Poll
	ctx     context.Context
	cancel  context.CancelFunc
	id      string
	session Session
	log     *log
	born    time.Time

	audience audience
	pace     pace
	progress progress
	document document

	// the poller's own
	stuck bool // was warned of
	bare  int  // answers without items, before any with some; 0 from then on

	// guarded by feed.mu, and written by the poller alone but for readers and what is said of them
	doubt    doubt
	blame    blame
	asked    question  // by the last poll
	step     int       // of the questions that are owed
	late     bool      // the upstream was away again since the last poll was sent
	passed   bool      // the questions are answered, and no poll from the position has been yet
	wary     bool      // such a poll has failed at once: only an answer to one says that the upstream is up
	failures int       // polls running that brought nothing to read
	misses   int       // of those from the position, without the questions
	failed   time.Time // when the last of them did
	alone    bool      // they are of its own making: the feed is well
	giveUp   func()    // in long polling: ends the poll that is in flight without an answer
	standing standing
	loud     bool      // it has had events
	reached  bool      // it has been at the upstream's end
	said     time.Time // when clients last got an id, or would have
	saidID   string    // that id
	first    *start    // the newcomers' poll that began the chain, until it is answered
	into     *chain    // where its readers went
	yield    bool      // others need the chain
}

// run is the poller.
func (c *chain) run() {
	defer c.feed.ended(c)
	defer c.feed.health.answer()
	defer c.cancel()
	for c.wait() {
		ask, ok := c.begin(time.Now())
		if !ok {
			return
		}
		p, err := c.send(ask)
		if c.ctx.Err() != nil {
			c.feed.config.Counters.poll(Abandoned, 0, 0, 0)
			return
		}
		if err == nil && p.Reset && ask.From.IsZero() {
			err = errResetFirst
			c.session.Opened = nil
		}
		news := false
		if err != nil {
			c.fail(err)
		} else {
			p = c.document.patch(p, c.feed.health.logger)
			news = c.take(p)
		}
		c.report(ask, p, news, err)
		if !c.wavers() || !c.feed.health.first() { // else the next answer says what becomes of the stream
			c.feed.health.answer()
		}
	}
}

// wait returns true when the next poll is due and a reader wants it.
func (c *chain) wait() bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, wanted := c.due(time.Now())
		if due <= 0 && wanted {
			return true
		}
		timer.Reset(max(due, 0))
		expired := timer.C
		if !wanted {
			expired = nil
		}
		select {
		case <-expired:
		case <-c.audience.kick:
		case <-c.ctx.Done():
			return false
		}
	}
}

// due returns for how long the chain has to wait, and whether anybody wants the poll.
func (c *chain) due(now time.Time) (wait time.Duration, wanted bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.ctx.Err() != nil {
		return 0, false
	}
	if c.yield {
		c.yield = false
		c.startOver(now, yielded)
	}
	next := c.pace.next
	if c.document.awaited() {
		next = c.pace.earliest()
	} else if lead := c.lead(); lead != nil && c.pace.polls > 0 && c.failures == 0 {
		if next = lead.pace.beside(next, c.pace.started, now); c.pace.why == AskedTo {
			next = later(next, c.pace.next)
		}
	}
	if wanted = c.audience.demand.Load() && len(c.audience.readers) > 0; wanted {
		next, wanted = c.feed.gate(c, next)
	}
	return next.Sub(now), wanted
}

// begin notes that a poll is made, and says what it asks for; ok is false if the chain has ended.
func (c *chain) begin(now time.Time) (ask Ask, ok bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.ctx.Err() != nil {
		return Ask{}, false
	}
	c.asked = c.asks()
	c.late = false
	c.feed.forgetStarts(now)
	number := c.pace.start(now)
	c.feed.probes(c)
	if c.asked == anew {
		c.session.Opened = nil // what it got may have moved on
	}
	ask = c.progress.words(c.asked)
	ask.Number, ask.Chain, ask.Session = number, c.id, &c.session
	if c.asked == onward {
		ask.Held = c.pace.held && c.feed.config.LongPoll
		ask.Ring = c.progress.placed && c.pace.more == 0 && c.progress.carry == nil && c.failures == 0 && !c.document.awaited()
	}
	if c.document.awaited() {
		c.showLater()
	}
	return ask, true
}

// take takes an answer that could be read. It reports whether the answer was news.
func (c *chain) take(p page.Page) (news bool) {
	now := time.Now()
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.pace.polling = false
	if c.asked == onward {
		c.passed, c.wary, c.misses = false, false, 0
	}
	if !c.wary {
		c.feed.health.up()
		c.feed.answered(c, now)
	}
	c.feed.remark(p)
	if c.settle(p, now) {
		c.polled(now, Silent, p.Status, 0)
		return false
	}
	c.failures, c.progress.placed, c.progress.good = 0, true, c.pace.started
	if !c.progress.at.IsZero() {
		c.pace.placed()
	}
	news = p.News
	from := c.progress.at.Cursor
	if c.feed.config.Document {
		news = c.takeDocument(p)
	} else {
		c.takeEvents(p, now)
	}
	outcome, events := Silent, 0
	if news {
		outcome, events = News, len(p.Events)
	}
	c.polled(now, outcome, p.Status, events)
	moved := p.Carry != nil || !p.Next.Cursor.Equal(from)
	if c.first != nil {
		c.first.answered, c.first.prompt = now, !c.pace.heldFor(now)
		c.first = nil
	}
	c.pace.answered(now, news, p.More && moved, p.Wait)
	if p.End && c.pace.more == 0 {
		c.finish()
		return news
	}
	c.feed.meet()
	return news
}

// finish ends the streams of the chain once they have all that there is. The feed's lock is held.
func (c *chain) finish() {
	for _, r := range c.audience.readers {
		r.stop(&End{Reason: Ended})
	}
	c.end()
}

// end stops the chain for good: nobody joins it from now on. The feed's lock is held.
func (c *chain) end() {
	c.cancel()
	c.feed.detach(c)
}

// add makes a reader one of the chain's. The feed's lock is held.
func (c *chain) add(r *Reader) {
	r.chain = c
	r.start = Start{} // it has served, and would hold the client's whole request
	c.audience.add(r)
}

// leave takes a reader off the chain, which ends some time after the last one. The feed's lock is held.
func (c *chain) leave(r *Reader) {
	c.audience.leave(r)
	c.document.leave(r)
	if c.audience.present() || c.ctx.Err() != nil {
		return
	}
	c.feed.abandon(nil)
	var timer *time.Timer
	timer = time.AfterFunc(c.feed.config.Linger, func() {
		c.feed.mu.Lock()
		defer c.feed.mu.Unlock()
		if c.audience.linger == timer {
			c.end()
		}
	})
	c.audience.linger = timer
}

// takeDocument takes an answer that is a document, and reports whether that is another one.
func (c *chain) takeDocument(p page.Page) (news bool) {
	c.progress.at = p.Next.Clone()
	if len(p.Events) > 0 { // an answer without a document leaves the one that is known
		c.progress.validators = p.Validators
	}
	if news = c.document.taken(p.Events); news {
		c.publish(encode(nil, p.Events, false))
	}
	// an answer without a body shows nothing of what another node has told a client, unless it was held
	c.document.answer(len(p.Events) > 0 || p.Empty || c.feed.config.LongPoll && (c.asked == anew || !c.progress.asksAnew()))
	return news
}

// fresh reports whether the document of the log is the newest, as far as a poll could tell: one that
// the upstream holds, or that was answered within the interval.
func (c *chain) fresh(now time.Time) bool {
	if c.feed.config.LongPoll {
		return c.pace.polling && c.failures == 0 && !c.document.awaited()
	}
	return now.Sub(c.progress.good) < c.feed.config.Interval
}

// showLater shows readers the document that is known, once the upstream has held the poll since they
// came for as long as it takes to count: it has no newer one. But a poll that hangs looks the same. Who
// may have read a newer document elsewhere waits for another poll, without a cursor, if that is another
// question. The feed's lock is held.
func (c *chain) showLater() {
	if !c.feed.config.LongPoll {
		return
	}
	time.AfterFunc(held, func() {
		c.feed.mu.Lock()
		defer c.feed.mu.Unlock()
		now := time.Now()
		if c.document.key == "" || !c.pace.polling || c.failures > 0 || !c.pace.heldFor(now) {
			return
		}
		if c.document.answerHeld(now) && c.asked == onward && c.progress.asksAnew() {
			c.giveUp()
		}
	})
}

func (c *chain) takeEvents(p page.Page, now time.Time) {
	if p.Stuck && !c.stuck {
		c.stuck = true
		c.feed.health.logger.Warn("the answer has only items that were sent already, and its cursor does not move: does the poll send the cursor?")
	}
	c.countBare(p)
	if c.progress.carry = p.Carry; p.Carry != nil { // the readers stay where they are
		return
	}
	var before []byte
	if p.Lost {
		before = c.feed.reset(gap)
		c.log.forget(before)
	}
	c.standing.took(p, asked{from: c.progress.at, longPoll: c.feed.config.LongPoll, keys: c.feed.config.Tokens, sent: c.pace.started, answered: now})
	c.progress.taken(p)
	id := c.progress.at.ID()
	if len(p.Events) > 0 || before != nil {
		c.loud = true
		c.publish(encode(before, p.Events, c.feed.config.Tokens))
	}
	c.reached = c.reached || !c.standing.end.IsZero() || c.pace.heldFor(now)
	switch {
	case len(p.Events) > 0 || c.said.IsZero():
		c.said, c.saidID = now, id
	case id != c.saidID && now.Sub(c.said) >= sayPosition:
		c.said, c.saidID = now, id
		batch := positionEvent(id)
		c.publish(batch, []mark{{id: id, start: len(batch), end: len(batch)}})
	}
	c.log.border(id)
}

// countBare warns of a path that never finds items: the stream would stay silent for ever.
func (c *chain) countBare(p page.Page) {
	switch {
	case !p.Itemless || c.loud:
		c.bare = 0
	default:
		if c.bare++; c.bare == bareAnswers {
			c.feed.health.logger.Warn("no answer yet has anything where `items` looks: is the path right? An upstream may leave it out while there is no news",
				zap.Int("answers", bareAnswers))
		}
	}
}

// publish appends a batch and wakes the readers.
func (c *chain) publish(batch []byte, marks []mark) {
	keep := c.feed.config.Replay
	if c.feed.config.skips() {
		keep = 1
	}
	c.audience.demand.Store(false) // before the batch is there to be taken
	c.log.append(batch, marks, keep)
	c.audience.wake()
}

// failing counts a poll that brought nothing to read.
func (c *chain) failing(now time.Time, err error) {
	outcome, status := Failed, 0
	if refusal := (*page.Refusal)(nil); errors.As(err, &refusal) {
		outcome, status = Declined, refusal.Status
	} else if failure := (*page.Error)(nil); errors.As(err, &failure) {
		status = failure.Status
	}
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	c.polled(now, outcome, status, 0)
}
