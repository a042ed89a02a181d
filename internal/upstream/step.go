package upstream

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Kind is the kind of a request, which decides which routes answer it: [KindPoll], the number of a step, or
// below zero a [KindOfHost].
type Kind int

// KindPoll is the kind of the polls themselves.
const KindPoll Kind = 0

// steps are the requests beside the polls, by their kinds.
type steps struct {
	open []*Request // before the first poll of a chain
	wait *Request   // between polls; nil: none

	beats []*Request // again and again
	close *Request   // once a session is given up; nil: none

	follow []*Request // after an answer that calls for it, in the order of [page.Config.Follow]
}

// newSteps makes the requests of the steps that belong to the polls of p, and notes what they say.
func (p *Request) newSteps(r *http.Request, repl *caddy.Replacer) error {
	for _, plan := range p.Plan.Steps {
		s, err := p.step(plan, r, repl)
		if err != nil {
			return err
		}
		p.Steps = append(p.Steps, s)
		p.Said.Steps = append(p.Said.Steps, s.Said)
		switch plan.Kind {
		case config.KindOpen:
			p.open = append(p.open, s)
		case config.KindWait:
			p.wait = s
		case config.KindBeat:
			p.beats = append(p.beats, s)
		case config.KindClose:
			p.close = s
		case config.KindReply, config.KindAck:
			p.follow = append(p.follow, s)
		}
	}
	return nil
}

// step makes the request of a step that belongs to the polls of p. All of its content is part of the content
// of those polls.
func (p *Request) step(plan *config.Plan, r *http.Request, repl *caddy.Replacer) (*Request, error) {
	s := *p.Said
	s.Header, s.Body, s.Steps = PollHeader(plan, r.Header), nil, nil
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
		which: Kind(plan.Number), polls: p,
	}, nil
}

// wanted reports whether the conditions allow that a step is made.
func (p *Request) wanted(env *value.Env) bool {
	return len(p.when) == 0 || slices.ContainsFunc(p.when, func(c value.Condition) bool { return c.Holds(nil, env) })
}

// Opened returns what a chain asks after its session was opened. If it has no position, the cursors of `open`
// are its position. The epoch that `open` has read belongs to it in any case.
func (p *Request) Opened(ask feed.Ask) feed.Ask {
	ask.Count = sessionOf(ask.Session).requests()
	placed := ask.From
	if placed.Epoch = ""; p.Plan.Epochs() && ask.From.Epoch == "" {
		ask.From.Epoch = ask.Session.Epoch
	}
	if !placed.IsZero() || !p.Plan.Epochs() && ask.From.Epoch != "" {
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

// otherEpoch reports whether a chain asks from a position of another run of the upstream than the one that
// `open` has found.
func (p *Request) otherEpoch(ask feed.Ask) bool {
	return p.Plan.Epochs() && ask.Session.Epoch != "" && ask.From.Epoch != ask.Session.Epoch
}

// keep keeps the cursors that a step has read. The map is replaced and not changed, since other requests of the
// session may be under way.
func (p *Request) keep(session *feed.Session, cursor position.Cursor) error {
	kept := make(map[string]string, len(session.Opened)+len(cursor))
	maps.Copy(kept, session.Opened)
	for i, text := range cursor {
		name := p.Plan.CursorNames[i]
		if strings.ContainsAny(text, unsendable) {
			return fmt.Errorf("%s has a line break or a NUL, and cannot be sent", config.PlaceholderOf(name))
		}
		if text != "" {
			kept[name] = text
		}
	}
	session.Opened = kept
	return nil
}

// unsendable are the characters that no text of an answer may bring into another request: they end lines of a
// header (RFC 9110, section 5.5), and strings of many backends.
const unsendable = "\r\n\x00"
