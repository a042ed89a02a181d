package feed

import (
	"bytes"
	"slices"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// sharing is what a chain has to do with the peers of its feed. The feed's lock guards it, and only the poller
// writes it, except for dropped.
type sharing struct {
	seen      uint64
	following bool // a peer polls, and the chain awaits its answers
	outage    bool // a peer has told that the upstream was away
	missed    bool // nobody has told how an outage of the upstream ended, which the chain checks for itself
	dropped   bool // the poll that is under way is of no use: a peer's is the same
	came      came
}

// came is what the poll that is under way has come to.
type came struct {
	taken  bool
	reset  reset
	failed *failure
}

// stand returns where the chain stands, which would poll at the given time.
func (c *chain) stand(due time.Time) Stand {
	s := Stand{
		Chain: c.id, At: c.progress.at, Key: c.key, Seen: c.sharing.seen, First: !c.progress.placed, Due: due,
		Word:  c.meeting.standing.word,
		Doubt: c.sharing.missed && c.check.doubt != none || c.progress.carry != nil || c.feed.health.first(),
	}
	if c.feed.config.Tokens {
		s.Mark, s.Came, s.End = c.meeting.standing.key, c.meeting.standing.came, c.meeting.standing.end
	}
	if c.document.awaited() {
		s.Waits = c.document.waiting[0].since
	}
	return s
}

// held reports whether a poll from the position is under way that the upstream may hold.
func (c *chain) held() bool {
	return c.feed.config.LongPoll && c.pace.polling && c.hold != nil && c.check.asked == onward
}

// follow asks the peers what the chain does next, which would poll after a while, and takes what they have. It takes
// the feed's lock.
func (c *chain) follow(now time.Time, wait time.Duration) Step {
	f := c.feed
	f.mu.Lock()
	peers, stand, counts := f.peers, c.stand(now.Add(wait)), f.config.counts(c.progress.at)
	f.mu.Unlock()
	switch {
	case peers == nil:
		return Step{}
	case counts: // nobody else knows the place
		peers.Left(c.id)
		return Step{}
	}
	next := peers.Next(stand)
	f.mu.Lock()
	if f.peers != peers { // what they have said means nothing to others
		f.mu.Unlock()
		return c.follow(now, wait)
	}
	if next.Do == Take && !(c.feed.config.Document && c.knows(next) || !c.feed.config.Document && c.continues(next.Answer)) {
		next.Do = Alone
		if wait > 0 { // until it has polled, the answer is still to be taken
			next.Seen = stand.Seen
		}
	}
	c.sharing.seen, c.sharing.following = next.Seen, next.Do == Await
	if c.sharing.missed = next.Missed || c.sharing.missed && c.check.doubt != none; next.Missed || c.sharing.outage && (next.Do == Lead || next.Do == Alone) {
		c.sharing.outage = false
		c.check.owe(false)
	}
	f.mu.Unlock()
	if next.Do == Take {
		c.takeOf(next.Answer)
	}
	return next
}

// unfollowed has another node poll if nobody reads the chain here. It takes the feed's lock.
func (c *chain) unfollowed() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.feed.peers != nil && !c.audience.present() {
		c.feed.peers.Left(c.id)
	}
}

// knows reports whether an answer of a peer's is for the document of the chain, if it has none itself. Where nothing names a document,
// as before its ETag counts, it may be for another one.
func (c *chain) knows(s Step) bool {
	p, at := s.Answer.Page, c.progress
	if s.Answer.Failed != nil || s.Answer.Reset != "" || len(p.Events) > 0 || !s.Gap {
		return true
	}
	named := at.validators != page.Validators{} || !at.at.Cursor.IsZero()
	return named && p.Validators == at.validators && p.Next.Cursor.Equal(at.at.Cursor)
}

// continues reports whether what comes after an event on a page of a peer's comes after that event here, too. An upstream
// without order may have put some of it before; and one that has started over gives ids again to other items.
func (c *chain) continues(a Answer) bool {
	id := c.progress.at.ID()
	own := c.log.spots[id]
	if a.Mark != nil && own != nil && own.event != nil && !bytes.Equal(own.event, sse.AppendEvent(nil, a.Mark.Type, a.Mark.Data, id)) {
		return false
	}
	return !slices.ContainsFunc(a.Page.Events, func(e page.Event) bool {
		old := c.log.spots[e.At.ID()]
		key := keyOf(e, c.feed.config.Tokens)
		return old != nil && old.event != nil || key != "" && c.log.spots[key] != nil
	})
}

// takeOf processes what the poll of a peer came to, who has checked it. It takes the feed's lock.
func (c *chain) takeOf(a Answer) {
	whole := a.Page
	if a.Failed == nil && a.Reset == "" {
		whole = c.document.compare(a.Page, c.feed.health.logger)
	}
	now := time.Now()
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.over() {
		return
	}
	c.feed.health.answer()
	if a.Failed != nil {
		c.count(now, Shared, a.Failed.Status, 0)
		c.feed.circuit.told(now, failureOf(a.Failed), a.Wait)
		c.sharing.outage = c.sharing.outage || !a.Failed.Later
		return
	}
	c.feed.health.up()
	c.feed.circuit.answered(c, now)
	c.sharing.outage = false
	if a.Reset != "" {
		c.count(now, Shared, 0, 0)
		c.startOver(now, reset(a.Reset))
		c.pace.reset(now, a.Wait)
		return
	}
	c.takePage(whole, a, now)
}

// takePage processes an answer of a peer's. Nobody here knows when its poll was sent, so it says nothing of the
// upstream's end.
func (c *chain) takePage(p page.Page, a Answer, now time.Time) {
	f := c.feed
	from := c.progress.at.Cursor
	c.pace.shared(a.Came.Add(-a.Took))
	c.failures, c.progress.placed, c.progress.good = 0, true, c.pace.started
	if !c.progress.at.IsZero() {
		c.pace.placed()
	}
	c.check.trust()
	news := p.News
	if f.config.Document {
		news = c.takeDocument(p, a.Came)
	} else {
		c.takeEvents(p, time.Time{}, now)
	}
	c.count(now, Shared, p.Status, len(p.Events))
	if c.first != nil {
		c.first.answered, c.first.prompt = a.Came, a.Took < held
		c.first = nil
	}
	more := p.More && (p.Carry != nil || !p.Next.Cursor.Equal(from))
	c.pace.answered(now, news, len(p.Events) > 0, more, p.Wait)
	if p.End && !more {
		f.finish(c)
		return
	}
	f.meet()
}

// drops reports whether the poll that has returned is of no use, and was counted as such. It takes the feed's lock.
func (c *chain) drops() bool {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if !c.sharing.dropped || c.over() {
		return false
	}
	c.sharing.dropped, c.pace.polling, c.session.Then = false, false, nil
	c.count(time.Now(), Abandoned, 0, 0)
	return true
}
