package upstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// follow returns what makes the requests that an answer calls for. answer is what the placeholders see of it. Each
// request is tried once: what was not acknowledged comes again.
func (u *Poller) follow(p *Request, ask feed.Ask, answer *value.Env, followed []page.Followed) func(context.Context) error {
	return func(ctx context.Context) error {
		var failed error
		for _, f := range followed {
			seen := *answer
			seen.Item = f.Item
			step := *p.follow[f.N]
			step.calls = &seen
			if err := u.followBy(ctx, &step, ask); err != nil && failed == nil {
				failed = err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return failed
	}
}

// followBy makes one of these requests.
func (u *Poller) followBy(ctx context.Context, step *Request, ask feed.Ask) error {
	if step.Plan.Kind == config.KindReply {
		if err := sessionOf(ask.Session).mayReply(ctx); err != nil {
			return err
		}
	}
	answered, err := u.askStep(ctx, step, ask)
	if err == nil && answered.Reset {
		err = &page.Error{Status: answered.Status, Comment: page.Unreadable, Wait: answered.Wait, Asked: answered.Asked, Err: errors.New("a reset condition holds")}
	}
	if err == nil {
		if unkept := step.keep(ask.Session, answered.Next.Cursor); unkept != nil {
			err = &page.Error{Comment: page.Unreadable, Err: unkept}
		}
	}
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*page.Refusal](err); ok { // it is no refusal of the polls, whose clients it would end, so it is not wrapped
		err = &page.Error{Status: refusal.Status, Comment: fmt.Sprintf("status %d", refusal.Status), Err: errors.New(refusal.Error())}
	}
	return fmt.Errorf("making the request of `%s`: %w", step.Plan.Name, err)
}
