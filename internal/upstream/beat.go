package upstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// closing bounds the request of `close`.
const closing = 5 * time.Second

// attend keeps a session alive while its polls are made. It returns the context of the next poll, which ends if the
// session does.
func (u *Poller) attend(ctx context.Context, p *Request, ask feed.Ask) (polling context.Context, done context.CancelFunc) {
	s := sessionOf(ask.Session)
	polling, done = context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polling, s.ask = done, ask
	own := *ask.Session // the chain changes its own
	s.ask.Session, s.ask.Reached = &own, nil
	if s.ended { // and nothing has opened it again
		s.ended, s.open = false, false
		s.still()
	}
	if s.open {
		return polling, done
	}
	s.open = true
	if p.close != nil {
		s.end = func() { u.part(p.close, s.ask) }
	}
	if len(p.beats) > 0 {
		var beating context.Context
		beating, s.beating = context.WithCancel(context.Background())
		for _, beat := range p.beats {
			go u.beat(beating, beat, s)
		}
	}
	return polling, done
}

// beat makes a request again and again until the session is given up.
func (u *Poller) beat(ctx context.Context, beat *Request, s *session) {
	logger := u.upstream.LoggerOf(beat.polls)
	defer func() { // a bug in the bridge must not end the process
		if v := recover(); v != nil {
			logger.Error("beat panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
		}
	}()
	ticker := time.NewTicker(beat.Plan.Beat)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		ask := s.ask
		s.mu.Unlock()
		answered, err := u.askStep(ctx, beat, ask)
		if ctx.Err() != nil {
			return
		}
		_, refused := errors.AsType[*page.Refusal](err)
		if failed := err != nil; failed != failing {
			if failing = failed; failed {
				logger.Warn("`beat` fails", zap.Error(err))
			} else {
				logger.Info("`beat` works again")
			}
		}
		if refused || err == nil && answered.Reset {
			s.mu.Lock()
			if ctx.Err() == nil { // else there is another session by now
				s.ended = true
				s.polling()
			}
			s.mu.Unlock()
			return
		}
	}
}

// part makes the request of `close`, through the routes that there are now, and does not wait for it.
func (u *Poller) part(step *Request, ask feed.Ask) {
	routes, server := u.upstream.Routes(step.which), u.upstream.NewestServer()
	if routes == nil {
		return // the configuration has ended
	}
	logger := u.upstream.LoggerOf(step.polls)
	last := &Poller{exchanger: &exchanger{upstream: parting{u.upstream, routes, server}, slots: u.slots}}
	go func() {
		defer func() {
			if v := recover(); v != nil {
				logger.Error("close panicked", zap.Any("panic", v), zap.StackSkip("stack", 2))
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		if _, err := last.askStep(ctx, step, ask); err != nil {
			logger.Debug("a session was not closed", zap.Error(fmt.Errorf("making the request of `close`: %w", err)))
		}
	}()
}
