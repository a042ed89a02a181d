package upstream

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// open asks for the session of a chain that has none.
func (u *Poller) open(ctx context.Context, p *Request, ask feed.Ask) error {
	if p.Open == nil || ask.Session.Opened != nil {
		return nil
	}
	answered, err := u.askStep(ctx, p.Open, ask)
	switch {
	case err != nil:
		return fmt.Errorf("opening a session: %w", err)
	case answered.Reset:
		return &page.Error{Comment: page.Unreadable, Wait: answered.Wait, Asked: answered.Asked, Err: fmt.Errorf("opening a session: the reset condition of `open` holds")}
	}
	ask.Session.Opened = make(map[string]string)
	p.Open.keep(ask.Session, answered.Next.Cursor)
	for _, cur := range p.Open.Plan.Page.Cursors {
		if ask.Session.Opened[cur.Name] == "" {
			ask.Session.Opened = nil
			return &page.Error{Comment: page.Unreadable, Wait: answered.Wait, Asked: answered.Asked, Err: fmt.Errorf("opening a session: the answer has no %s", config.PlaceholderOf(cur.Name))}
		}
	}
	return nil
}

// ring waits for a sign that there is something to poll for. If there is none, no poll is made, and quiet is
// its page.
func (u *Poller) ring(ctx context.Context, p *Request, ask feed.Ask) (rung bool, quiet page.Page, err error) {
	if p.Wait == nil || !ask.Ring {
		return true, page.Page{}, nil
	}
	answered, err := u.askStep(ctx, p.Wait, ask)
	if ctx.Err() != nil {
		return false, page.Page{}, ctx.Err()
	}
	u.listened(p, ask.Session, err)
	if err != nil { // the poll finds out the state of the upstream
		failure := new(page.Error)
		errors.As(err, &failure)
		return true, page.Page{Wait: failure.Wait, Asked: failure.Asked}, nil
	}
	if ask.Session.Opened == nil {
		ask.Session.Opened = make(map[string]string)
	}
	p.Wait.keep(ask.Session, answered.Next.Cursor)
	return answered.More, page.Page{Next: ask.From, Validators: ask.Validators, Wait: answered.Wait, Asked: answered.Asked, Reset: answered.Reset}, nil
}

// listened notes whether `wait` works for a chain, and logs changes.
func (u *Poller) listened(p *Request, session *feed.Session, err error) {
	if deaf := err != nil; deaf != session.Deaf {
		session.Deaf = deaf
		if logger := u.upstream.LoggerOf(p); deaf {
			logger.Warn("`wait` fails; polling at the interval instead", zap.Error(err))
		} else {
			logger.Info("`wait` works again")
		}
	}
}

// askStep makes the request of a step.
func (u *Poller) askStep(ctx context.Context, s *Request, ask feed.Ask) (page.Page, error) {
	ask.Reached = nil // this is not the poll itself
	resp, silent, err := u.exchange(ctx, s, ask)
	if err != nil || silent {
		return page.Page{}, err
	}
	return s.Reader.Read(resp, position.Position{}, s.Env(ask))
}
