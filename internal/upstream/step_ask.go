package upstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// open opens a session for a chain that has none: it makes the requests of `open`, each with the cursors of those
// before it.
func (u *Poller) open(ctx context.Context, p *Request, ask feed.Ask) error {
	if len(p.open) == 0 || ask.Session.Opened != nil {
		return nil
	}
	sessionOf(ask.Session).begin()
	ask.Session.Opened, ask.Session.ID = make(map[string]string), uuid.NewString()
	for _, step := range p.open {
		if err := u.openBy(ctx, step, ask); err != nil {
			ask.Session.Opened = nil
			return fmt.Errorf("opening a session: %w", err)
		}
	}
	return nil
}

// openBy makes one of the requests of `open`.
func (u *Poller) openBy(ctx context.Context, step *Request, ask feed.Ask) error {
	if !step.wanted(step.Env(ask)) {
		return nil
	}
	answered, err := u.askStep(ctx, step, ask)
	if err != nil {
		return err
	}
	unusable := func(format string, args ...any) error {
		return &page.Error{Comment: page.Unreadable, Wait: answered.Wait, Asked: answered.Asked, Err: fmt.Errorf("`%s`: "+format, append([]any{step.Plan.Name}, args...)...)}
	}
	if answered.Reset {
		return unusable("a reset condition holds")
	}
	if err := step.keep(ask.Session, answered.Next.Cursor); err != nil {
		return unusable("%w", err)
	}
	for _, name := range step.Plan.CursorNames {
		if ask.Session.Opened[name] == "" {
			return unusable("the answer has no %s", config.PlaceholderOf(name))
		}
	}
	if !step.Plan.Page.Epoch.IsZero() {
		if ask.Session.Epoch = answered.Next.Epoch; ask.Session.Epoch == "" {
			return unusable("the answer has no epoch")
		}
	}
	return nil
}

// ring waits for a sign that there is something to poll for. If there is none, no poll is made, and quiet is
// its page.
func (u *Poller) ring(ctx context.Context, p *Request, ask feed.Ask) (rung bool, quiet page.Page, err error) {
	if p.wait == nil || !ask.Ring {
		return true, page.Page{}, nil
	}
	answered, err := u.askStep(ctx, p.wait, ask)
	if ctx.Err() != nil {
		return false, page.Page{}, ctx.Err()
	}
	u.listened(p, ask.Session, err)
	if err != nil { // the poll finds out the state of the upstream
		failure := new(page.Error)
		errors.As(err, &failure)
		return true, page.Page{Wait: failure.Wait, Asked: failure.Asked}, nil
	}
	if err := p.wait.keep(ask.Session, answered.Next.Cursor); err != nil {
		return false, page.Page{}, &page.Error{Comment: page.Unreadable, Err: fmt.Errorf("waiting for a sign of news: %w", err)}
	}
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
