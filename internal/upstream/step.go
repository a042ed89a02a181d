package upstream

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// Kind is the kind of a request, which decides which routes answer it.
type Kind int

const (
	KindPoll Kind = iota
	KindOpen
	KindWait
)

// step makes the request of a step that belongs to the polls of p. All of its content is part of the content
// of those polls.
func (p *Request) step(which Kind, plan *config.Plan, r *http.Request, repl *caddy.Replacer) (*Request, error) {
	if plan == nil {
		return nil, nil
	}
	s := *p.Said
	s.Header, s.Body = PollHeader(plan, r.Header), nil
	s.Header.Del("Content-Type")
	keepForwarded(s.Header, plan, r)
	sent := original{p.Sent.Path, dropQuery(p.Sent.query, p.Plan.CursorParameters())}
	if plan.Elsewhere {
		s.Query, sent.query = "", "" // they contain a token if the client cannot set headers
	}
	s.take(plan.Wants, sent, r)
	var err error
	if s.Method, err = methodOf(plan, r, repl); err != nil {
		return nil, err
	}
	s.texts = resolve(plan, repl)
	return &Request{
		Plan: plan, Said: &s, bound: bindTo(plan, s.texts),
		which: which, polls: p,
	}, nil
}

// Opened returns what a chain asks after its session was opened. If it has no position, the cursors of `open`
// are its position.
func (p *Request) Opened(ask feed.Ask) feed.Ask {
	if !ask.From.IsZero() {
		return ask
	}
	cursor := make(position.Cursor, len(p.Plan.CursorNames))
	for i, name := range p.Plan.CursorNames {
		cursor[i] = ask.Session.Opened[name]
	}
	if !cursor.IsZero() {
		ask.From.Cursor = cursor
	}
	return ask
}

// keep keeps the cursors that a step has read.
func (p *Request) keep(session *feed.Session, cursor position.Cursor) {
	for i, text := range cursor {
		if text != "" {
			session.Opened[p.Plan.CursorNames[i]] = text
		}
	}
}
