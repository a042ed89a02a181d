package ssebridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// request says which of a configuration's requests one is, so which routes answer it.
type request int

const (
	aPoll request = iota
	anOpen
	aWait
)

// step makes the request of a step beside the polls of p. All that it is made of is part of what
// those say.
func (p *pollRequest) step(which request, plan *compiled, r *http.Request, repl *caddy.Replacer) (*pollRequest, error) {
	if plan == nil {
		return nil, nil
	}
	s := *p.said
	s.header, s.body = pollHeader(plan, r.Header), nil
	s.header.Del("Content-Type")
	keepForwarded(s.header, plan, r)
	sent := original{p.sent.path, dropQuery(p.sent.query, p.plan.cursorParameters())}
	if plan.elsewhere {
		s.query, sent.query = "", "" // which hold a token where the client can set no header
	}
	s.take(plan.wants, sent, r)
	var err error
	if s.method, err = methodOf(plan, r, repl); err != nil {
		return nil, err
	}
	s.texts = resolve(plan, repl)
	return &pollRequest{
		plan: plan, said: &s, bound: bindTo(plan, s.texts),
		which: which, polls: p,
	}, nil
}

// opened returns what a chain asks once its session is open: the cursors that opened it are the
// position of one that has none.
func (p *pollRequest) opened(ask feed.Ask) feed.Ask {
	if !ask.From.IsZero() {
		return ask
	}
	cursor := make(position.Cursor, len(p.plan.cursorNames))
	for i, name := range p.plan.cursorNames {
		cursor[i] = ask.Session.Opened[name]
	}
	if !cursor.IsZero() {
		ask.From.Cursor = cursor
	}
	return ask
}

// open asks for the session of a chain that has none.
func (u *poller) open(ctx context.Context, p *pollRequest, ask feed.Ask) error {
	if p.open == nil || ask.Session.Opened != nil {
		return nil
	}
	answered, err := u.askStep(ctx, p.open, ask)
	switch {
	case err != nil:
		return fmt.Errorf("opening a session: %w", err)
	case answered.Reset:
		return &page.Error{Comment: commentUnreadable, Wait: answered.Wait, Asked: answered.Asked, Err: fmt.Errorf("opening a session: its reset condition holds")}
	}
	ask.Session.Opened = make(map[string]string)
	p.open.keep(ask.Session, answered.Next.Cursor)
	for _, cur := range p.open.plan.page.Cursors {
		if ask.Session.Opened[cur.Name] == "" {
			ask.Session.Opened = nil
			return &page.Error{Comment: commentUnreadable, Wait: answered.Wait, Asked: answered.Asked, Err: fmt.Errorf("opening a session: the answer has no %s", placeholderOf(cur.Name))}
		}
	}
	return nil
}

// ring waits for a sign that there is something to poll for. Where there is none, quiet is the page
// of the poll that is not made.
func (u *poller) ring(ctx context.Context, p *pollRequest, ask feed.Ask) (rung bool, quiet page.Page, err error) {
	if p.wait == nil || !ask.Ring {
		return true, page.Page{}, nil
	}
	answered, err := u.askStep(ctx, p.wait, ask)
	if ctx.Err() != nil {
		return false, page.Page{}, ctx.Err()
	}
	u.listened(p, ask.Session, err)
	if err != nil { // the poll finds out how the upstream is
		failure := new(page.Error)
		errors.As(err, &failure)
		return true, page.Page{Wait: failure.Wait, Asked: failure.Asked}, nil
	}
	if ask.Session.Opened == nil {
		ask.Session.Opened = make(map[string]string)
	}
	p.wait.keep(ask.Session, answered.Next.Cursor)
	return answered.More, page.Page{Next: ask.From, Validators: ask.Validators, Wait: answered.Wait, Asked: answered.Asked, Reset: answered.Reset}, nil
}

// listened notes whether a chain hears of news, and logs it where that has changed.
func (u *poller) listened(p *pollRequest, session *feed.Session, err error) {
	if deaf := err != nil; deaf != session.Deaf {
		session.Deaf = deaf
		if logger := u.upstream.loggerOf(p); deaf {
			logger.Warn("`wait` fails; polls are made at the interval, without it", zap.Error(err))
		} else {
			logger.Info("`wait` works again")
		}
	}
}

// askStep asks what a step asks.
func (u *poller) askStep(ctx context.Context, s *pollRequest, ask feed.Ask) (page.Page, error) {
	ask.Reached = nil // it is not the poll that is under way
	resp, silent, err := u.exchange(ctx, s, ask)
	if err != nil || silent {
		return page.Page{}, err
	}
	return s.reader.Read(resp, position.Position{}, s.env(ask))
}

// keep keeps the cursors that a step has read.
func (p *pollRequest) keep(session *feed.Session, cursor position.Cursor) {
	for i, text := range cursor {
		if text != "" {
			session.Opened[p.plan.cursorNames[i]] = text
		}
	}
}
