package feed

import (
	"context"
	"sync"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// A poll that an upstream holds says nothing by its answer for a long time. It counts as a sign of life
// before: after an outage, and of an upstream that has not answered any poll yet.
const (
	holding = 3 * time.Second // since it was sent
	heeding = time.Second / 2 // since the head of its answer came; an error page would be whole by then
)

// send makes a poll. A question that is held is given up, and so is a poll for whose answer a reader
// cannot wait: it is answered by nothing.
func (c *chain) send(ask Ask) (page.Page, error) {
	if !c.feed.config.LongPoll {
		return c.poll(c.ctx, ask)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	var (
		number = c.pace.polls
		mu     sync.Mutex
		timers []*time.Timer
		gaveUp bool
	)
	giveUp := func() {
		mu.Lock()
		defer mu.Unlock()
		gaveUp = true
		cancel()
	}
	c.feed.mu.Lock()
	c.giveUp = giveUp
	c.feed.mu.Unlock()
	after := func(wait time.Duration, do func()) {
		mu.Lock()
		defer mu.Unlock()
		timers = append(timers, time.AfterFunc(wait, do))
	}
	ask.Reached = func(stage Stage) {
		if stage == Begun {
			after(heeding, func() { c.found(number) })
			return
		}
		after(holding, func() {
			if question := c.found(number); question {
				giveUp()
			}
		})
	}
	p, err := c.poll(ctx, ask)
	mu.Lock()
	defer mu.Unlock()
	for _, t := range timers {
		t.Stop()
	}
	switch {
	case err == nil || !gaveUp:
		return p, err
	case c.feed.config.Document:
		return page.Page{Next: c.progress.at, Validators: c.progress.validators}, nil
	}
	return page.Page{Next: ask.From, Validators: ask.Validators}, nil
}

// found takes note that the upstream holds a poll, by its number: it is there. It reports whether it is
// a poll that only asks a question, or asks for a document with a cursor that may be of before a restart.
func (c *chain) found(number int) (question bool) {
	c.feed.mu.Lock()
	defer c.feed.mu.Unlock()
	if c.ctx.Err() != nil || !c.pace.polling || c.pace.polls != number {
		return false
	}
	if c.asked == onward {
		c.passed, c.wary, c.failures = false, false, 0
	}
	if !c.wary {
		c.feed.health.up()
		c.feed.answered(c, time.Now())
	}
	return c.asked != onward || c.feed.config.Document && c.doubt&unsure != 0
}
