package feed

import (
	"errors"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// errResetFirst is an answer to a newcomer's poll that cannot be one.
var errResetFirst = &page.Error{Comment: page.Unreadable, Err: errors.New("a reset condition holds for a poll without a position")}

// poller makes the polls of a chain, one after another, until that ends. It holds no lock
// while it polls, and no goroutine while it waits.
type poller struct {
	turn  turn
	chain *chain
	poll  Poll
}

// step makes the polls that are due, and returns when the next one is.
func (p *poller) step() rest {
	c := p.chain
	for {
		now := time.Now()
		wait, wanted := c.due(now)
		next := Step{}
		if wanted {
			next = c.follow(now, wait)
		}
		switch {
		case c.over():
			p.closed()
			return rest{over: true}
		case !wanted:
			c.unfollowed()
			return rest{}
		case next.Do == Take:
		case next.Do == Await:
			return rest{until: next.Until}
		case wait > 0:
			return rest{until: now.Add(wait)}
		case !p.make(next.Do == Lead):
			p.closed()
			return rest{over: true}
		}
	}
}

// make makes a poll, for other nodes too if the chain leads, and reports whether the chain goes on.
func (p *poller) make(leads bool) bool {
	c, f := p.chain, p.chain.feed
	from, ask, ok := c.begin(time.Now())
	if !ok {
		return false
	}
	if leads {
		p.polling(from)
	}
	answer, err := p.send(ask)
	if c.drops() {
		return !c.over()
	}
	if c.over() {
		f.config.Counters.poll(LastPoll{Outcome: Abandoned}, 0)
		return false
	}
	if err == nil && answer.Reset && ask.From.IsZero() && !f.config.Loses {
		err = errResetFirst
		c.session.Opened = nil
	}
	news, closed, whole := false, (*Closed)(nil), page.Page{}
	switch {
	case errors.As(err, &closed):
		c.closed(closed)
	case err != nil:
		c.fail(err)
	default:
		whole = c.messages.name(answer, ask)
		answer = c.document.compare(whole, f.health.logger)
		news = c.take(answer)
	}
	p.tell(from, whole)
	p.report(ask, answer, news, err)
	c.heard()
	p.then(err == nil)
	return true
}

// then makes the requests that an answer calls for, which is in the log if it was taken.
func (p *poller) then(taken bool) {
	c := p.chain
	then := c.session.Then
	if c.session.Then = nil; then == nil || !taken || c.over() {
		return
	}
	if err := then(c.ctx); err != nil && !c.over() {
		c.fail(err)
	}
}

// closed gives the session up, and the chain.
func (p *poller) closed() {
	if live := p.chain.session.Live; live != nil {
		live.Close()
	}
	p.chain.feed.host.ended(p.chain)
}

// send makes a poll. A question that is held is abandoned, and so is a poll for whose answer a reader
// cannot wait: it is answered by nothing.
func (p *poller) send(ask Ask) (page.Page, error) {
	c := p.chain
	if !c.feed.config.LongPoll {
		return p.poll(c.ctx, ask)
	}
	number := ask.Number
	h := newHold(c.ctx, func() bool { return c.found(number) })
	c.feed.mu.Lock()
	c.hold = h
	c.feed.mu.Unlock()
	ask.Reached = h.reached
	if c.feed.config.Stream {
		ask.Reached = h.begun
	}
	ctx := h.ctx
	if c.feed.config.Stream && !ask.Aside {
		ctx = c.ctx // the answer goes on
	}
	answer, err := p.poll(ctx, ask)
	switch abandoned := h.returned(); {
	case err == nil || !abandoned:
		return answer, err
	case c.feed.config.Document:
		return page.Page{Next: c.progress.at, Validators: c.progress.validators}, nil
	}
	return page.Page{Next: ask.From, Validators: ask.Validators}, nil
}

// report tells Config.Polled what has become of a poll, and what follows.
func (p *poller) report(ask Ask, answer page.Page, news bool, err error) {
	c, f := p.chain, p.chain.feed
	if f.config.Polled == nil {
		return
	}
	f.mu.Lock()
	next, why := f.circuit.due(c)
	then := c.progress.words(onward)
	then.Number, then.Chain, then.Session = c.pace.polls, c.id, &c.session
	f.mu.Unlock()
	f.config.Polled(Polled{
		Ask: ask, Page: answer, Err: err, News: news, Next: then,
		Wait: max(time.Until(next), 0), Why: why, Over: c.over(),
	})
}

// polling tells the peers that a poll is sent for them, too.
func (p *poller) polling(from Stand) {
	f := p.chain.feed
	f.mu.Lock()
	peers := f.peers
	f.mu.Unlock()
	if peers != nil {
		peers.Polling(from)
	}
}

// tell tells the peers what a poll from a place came to.
func (p *poller) tell(from Stand, answer page.Page) {
	c, f := p.chain, p.chain.feed
	f.mu.Lock()
	peers, came, counts := f.peers, c.sharing.came, f.config.counts(c.progress.at)
	next, _ := f.circuit.due(c)
	end := c.meeting.standing.end
	told := Told{To: c.progress.at.Clone(), End: !end.IsZero() && end.Equal(c.pace.started), Took: time.Since(c.pace.started), Wait: max(time.Until(next), 0)}
	f.mu.Unlock()
	switch {
	case peers == nil || counts:
		return
	case came.reset != "":
		told.Reset = string(came.reset)
	case came.failed != nil:
		told.Failed = &page.Error{Status: came.failed.status, Comment: came.failed.comment, Later: came.failed.later}
	case came.taken:
		told.Page = answer
	default:
		return
	}
	peers.Tell(from, told)
}
