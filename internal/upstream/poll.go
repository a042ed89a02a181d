package upstream

import (
	"context"
	"errors"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Poller makes the polls of a bridge.
type Poller struct {
	*exchanger

	watcher Watcher // nil: none
}

// NewPoller returns a poller that makes so many requests at the same time that are not held.
func NewPoller(r Routes, polls int) *Poller {
	return &Poller{exchanger: &exchanger{upstream: r, slots: newSlots(polls)}}
}

// WatchBy lets a watcher see the answers to all requests that are made from now on.
func (u *Poller) WatchBy(w Watcher) { u.watcher = w }

// Delayed returns how many polls had to wait for a second or more, since as many as may be were under way, and when one did last.
func (u *Poller) Delayed() (polls int64, last time.Time) { return u.slots.late() }

// Poll returns the function with which a chain polls for one request.
func (u *Poller) Poll(p *Request) feed.Poll {
	poll := u.poll
	if p.Plan.Stream {
		poll = (&source{poller: u, request: p}).poll
	}
	return func(ctx context.Context, ask feed.Ask) (answered page.Page, failed error) {
		defer u.survive(p, &failed)
		old := ask.Session.Opened != nil
		answered, failed = poll(ctx, p, ask)
		if failed != nil || !answered.Reopen {
			return answered, failed
		}
		ask.Session.Opened = nil
		if old {
			u.upstream.LoggerOf(p).Debug("the session has ended; opening another one")
			if answered, failed = poll(ctx, p, ask); failed != nil || !answered.Reopen {
				return answered, failed
			}
			ask.Session.Opened = nil
		}
		return page.Page{}, &page.Error{
			Status: answered.Status, Comment: page.Reported, Wait: answered.Wait, Asked: answered.Asked,
			Err: errors.New("a `reopen` condition holds for the first poll of a session"),
		}
	}
}

// poll makes one poll, in the chain's session. If there is none, it opens one before.
func (u *Poller) poll(ctx context.Context, p *Request, ask feed.Ask) (answered page.Page, failed error) {
	if err := u.open(ctx, p, ask); err != nil {
		return page.Page{}, err
	}
	if ask = p.Opened(ask); p.otherEpoch(ask) {
		return page.Page{Restarted: true, Next: position.Position{Epoch: ask.Session.Epoch}}, nil
	}
	polling := ctx
	if len(p.beats) > 0 || p.close != nil {
		var done context.CancelFunc
		polling, done = u.attend(ctx, p, ask)
		defer done()
	}
	rung, quiet, err := u.ring(polling, p, ask)
	if err == nil && (!rung || quiet.Reset) {
		return quiet, nil
	}
	var resp page.Response
	silent, unfinished := false, false
	if err == nil {
		resp, silent, err = u.exchange(polling, p, ask)
	}
	if err == nil && !silent {
		resp, unfinished, err = attached(p, ask, resp)
	}
	switch {
	case sessionOf(ask.Session).over() && ctx.Err() == nil: // a session without positions takes with it what it held
		return page.Page{Next: ask.From, Reset: p.Plan.Page.Once, Reopen: !p.Plan.Page.Once}, nil
	case err != nil:
		return page.Page{}, err
	case silent && ask.Carry != nil:
		return ask.Carry.Settle(), nil
	case silent:
		return page.Page{Next: ask.From, Validators: ask.Validators}, nil
	}
	env := p.Env(ask)
	switch {
	case p.Plan.Page.Once:
		answered, failed = readOnce(p, resp, ask, env)
	case p.Reader.Set():
		answered, failed = p.Reader.ReadSet(resp, ask.From, ask.Set, 0, env)
	case p.Plan.Forgetful: // it never gives anything twice that could be compared
		answered, failed = p.Reader.Read(resp, ask.From, env)
	default:
		answered, failed = p.Reader.ReadOn(resp, ask.From, ask.Carry, env)
	}
	if failed == nil && len(answered.Followed) > 0 {
		ask.Session.Then = u.follow(p, ask, env, answered.Followed)
	}
	if failed == nil && answered.Set != nil && answered.More {
		answered, failed = u.pages(ctx, p, ask, answered)
	}
	answered.More = answered.More || unfinished
	answered.Wait, answered.Asked = max(answered.Wait, quiet.Wait), max(answered.Asked, quiet.Asked)
	answered.Status = resp.Status
	if failure, ok := errors.AsType[*page.Error](failed); ok {
		failure.Status = resp.Status
	}
	return answered, failed
}

// pages asks for the other pages of a set, of which the first has come, and returns all of them as one page. Each
// may take as long as a poll. If one fails, all do: the next poll begins with the first page again.
func (u *Poller) pages(ctx context.Context, p *Request, ask feed.Ask, first page.Page) (page.Page, error) {
	pages, err := page.NewPages(p.Reader, ask.From, first, p.Plan.Limits.Response)
	if err != nil {
		return page.Page{}, err
	}
	ask.First, ask.Validators, ask.Reached, ask.Held = false, page.Validators{}, nil, false
	for {
		from, more := pages.Next()
		if !more {
			return pages.Whole(), nil
		}
		ask.From = from
		resp, silent, err := u.exchange(ctx, p, ask)
		switch {
		case err != nil:
			return page.Page{}, pages.Failed(err)
		case silent:
			return page.Page{}, pages.Failed(unanswered(p.Plan.Timeout))
		}
		next, err := p.Reader.ReadSet(resp, from, ask.Set, pages.Count(), p.Env(ask))
		failure := (*page.Error)(nil)
		if errors.As(err, &failure) {
			failure.Status = resp.Status
		}
		if err != nil {
			return page.Page{}, pages.Failed(err)
		}
		if err := pages.Add(next); err != nil {
			return page.Page{}, err
		}
	}
}

// readOnce reads an answer whose items are all new. The id of an item before them says nothing of them.
func readOnce(p *Request, resp page.Response, ask feed.Ask, env *value.Env) (page.Page, error) {
	from := ask.From
	if !p.Reader.Counts() {
		from = position.Position{Epoch: from.Epoch}
	}
	answered, err := p.Reader.Read(resp, from, env)
	if err == nil && len(answered.Events) == 0 {
		answered.Next = ask.From
	}
	return answered, err
}
