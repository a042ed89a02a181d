package feed

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// placeTries is how many polls may fail before a chain finds out whether it is its
// position that the upstream cannot answer.
const placeTries = 3

// chain is a cursor that moves: one poller, and the log of what it brought. One poll is in
// flight, ever.
type chain struct {
	feed   *Feed
	poll   Poll
	ctx    context.Context
	cancel context.CancelFunc
	id     string
	jar    http.CookieJar
	log    *log
	kick   chan struct{} // demand has come
	demand atomic.Bool   // a reader has taken the last page

	answered chan struct{} // closed with the first answer, or the end
	once     sync.Once

	// the poller's own
	pace       pace
	at         position.Position
	document   string // the key of the document that the readers have
	validators page.Validators
	polls      int
	held       bool // the last answer was held, or had no news: the chain is at the head
	placed     bool // a poll from this position, or one before it, has been answered
	failures   int  // in polls running
	doubt      doubt
	stuck      bool // was warned of

	// guarded by feed.mu
	readers map[*Reader]struct{}
	linger  *time.Timer
}

// doubt is whether the upstream fails, or only this chain's position does. After
// [placeTries] failures a newcomer's poll finds out, and one more from the position
// confirms it: the upstream may have recovered just between the two.
type doubt int

const (
	none    doubt = iota
	asking        // the next poll is a newcomer's
	certain       // a newcomer's poll was answered; one more from the position
)

// resume lets the chain start from a client's event id.
func (c *chain) resume(lastID string) error {
	if c.feed.config.Document {
		c.document = lastID // an id of another document is just a change
		return nil
	}
	at, err := position.Parse(lastID, c.feed.config.Cursors)
	if err != nil {
		return err
	}
	c.at = at
	return nil
}

// run is the poller.
func (c *chain) run() {
	defer c.feed.ended(c)
	defer c.answer()
	defer c.cancel()
	for c.wait() {
		c.pace.start(time.Now())
		ask := Ask{
			From: c.at, Validators: c.validators, Number: c.polls, Chain: c.id, Jar: c.jar,
			First: c.doubt == asking || c.at.Cursor.IsZero(),
			Held:  c.held && c.feed.config.LongPoll,
		}
		if c.doubt == asking {
			ask.From, ask.Validators = position.Position{}, page.Validators{}
		}
		c.polls++
		p, err := c.poll(c.ctx, ask)
		if c.ctx.Err() != nil {
			return
		}
		if err != nil {
			c.fail(err)
		} else {
			c.take(p)
		}
		c.answer()
	}
}

// wait returns true when the next poll is due and a reader wants it.
func (c *chain) wait() bool {
	timer := time.NewTimer(time.Until(c.pace.next))
	defer timer.Stop()
	due := false
	for {
		if due && c.demand.Load() {
			return true
		}
		select {
		case <-timer.C:
			due = true
		case <-c.kick:
		case <-c.ctx.Done():
			return false
		}
	}
}

// tookTail is called by a reader that has taken the last page.
func (c *chain) tookTail() {
	if !c.demand.Load() && !c.demand.Swap(true) {
		select {
		case c.kick <- struct{}{}:
		default:
		}
	}
}

// take takes an answer that could be read.
func (c *chain) take(p page.Page) {
	now := time.Now()
	c.feed.health.up()
	c.failures = 0
	c.log.notice.Store(nil)
	switch c.doubt {
	case asking:
		c.doubt = certain
		c.pace.soon(now)
		return
	default:
		c.doubt, c.placed = none, true
	}
	news := p.News
	if c.feed.config.Document {
		news = c.takeDocument(p)
	} else {
		c.takeEvents(p)
	}
	c.at, c.validators = p.Next, p.Validators
	c.held = !news || now.Sub(c.pace.started) >= held
	c.pace.answered(now, news, p.Wait)
}

func (c *chain) takeDocument(p page.Page) (news bool) {
	if len(p.Events) == 0 || p.Events[0].Key == c.document {
		return false
	}
	c.document = p.Events[0].Key
	c.publish(encode(nil, p.Events))
	return true
}

func (c *chain) takeEvents(p page.Page) {
	if p.Stuck && !c.stuck {
		c.stuck = true
		c.feed.health.logger.Warn("the answer has only items that were sent already, and its cursor does not move: does the poll send the cursor?",
			zap.String("position", c.at.ID()))
	}
	var before []byte
	if p.Lost {
		before = resetEvent(gap)
	}
	if len(p.Events) > 0 || before != nil {
		c.publish(encode(before, p.Events))
	}
}

// publish appends a batch and wakes the readers.
func (c *chain) publish(batch []byte, marks []mark) {
	keep := c.feed.config.Replay
	if c.feed.config.Document {
		keep = 1
	}
	c.demand.Store(false) // before the batch is there to be taken
	c.log.append(batch, marks, keep)
	c.wakeAll()
}

func (c *chain) wakeAll() {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	for r := range c.readers {
		r.signal()
	}
}

// fail takes a poll that brought nothing to read.
func (c *chain) fail(err error) {
	now := time.Now()
	var (
		refusal *page.Refusal
		failure *page.Error
		comment = "upstream unreachable"
		hint    time.Duration
	)
	switch {
	case errors.As(err, &refusal):
		if c.refused(refusal) {
			return
		}
		comment = "upstream refuses"
	case errors.As(err, &failure):
		comment, hint = failure.Comment, failure.Wait
	}
	c.feed.health.fail(comment, err)
	c.failures++
	c.pace.failed(now, hint)
	switch {
	case c.doubt == certain:
		c.startOver(now)
		return
	case c.doubt == asking:
		c.doubt = none
	case c.misplaced(refusal != nil):
		c.doubt = asking
		if refusal != nil {
			c.pace.soon(now)
		}
	}
	if old := c.log.notice.Load(); old == nil || *old != comment {
		c.log.notice.Store(&comment)
		c.wakeAll()
	}
}

// misplaced reports whether it is time to ask if only the position is at fault. One that has
// answered before is doubted only where the upstream refuses it.
func (c *chain) misplaced(refused bool) bool {
	switch {
	case c.at.IsZero():
		return false
	case !c.placed && refused && c.feed.health.first():
		return true
	case c.placed && !refused:
		return false
	}
	return c.failures%placeTries == 0
}

// refused reports whether the refusal ends the chain.
func (c *chain) refused(refusal *page.Refusal) bool {
	login := refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusForbidden
	if c.feed.health.first() && c.doubt != asking && !c.at.IsZero() && !login {
		return false // it may be the client's id that the upstream refuses
	}
	if !c.feed.health.refuse(refusal) {
		return false
	}
	c.feed.stop(&End{Reason: Refused, Refusal: refusal})
	return true
}

// startOver goes on as for a newcomer, and says so.
func (c *chain) startOver(now time.Time) {
	c.at, c.validators, c.doubt, c.placed, c.failures = position.Position{}, page.Validators{}, none, false, 0
	c.pace.soon(now)
	c.publish(resetEvent(unknownID), nil)
}

// answer lets those go on who wait for the first answer.
func (c *chain) answer() { c.once.Do(func() { close(c.answered) }) }
