package upstream

import (
	"net/url"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// target is what a position makes of a poll: most polls are from the same position as the one before. It is
// immutable, and handlers never get it.
type target struct {
	of      *Request
	from    position.Cursor
	cursors map[string]string // for placeholders
	urls    *targetURLs       // nil: they depend on more than the position
}

// targetURLs are the URLs of a poll.
type targetURLs struct {
	sent        url.URL // its path and query
	sentURI     string
	original    *url.URL // for handlers that ask for it
	originalURI string
	absolute    *url.URL // what is sent, as the upstream knows it; nil: it depends on the poll
}

// target returns what the position of a poll makes of it. A session keeps that of its last one, where a position is
// all that changes.
func (p *Request) target(ask feed.Ask) *target {
	if len(ask.Session.Opened) > 0 || p.Plan.Hosts != nil {
		return &target{of: p, from: ask.From.Cursor, cursors: p.cursors(ask)}
	}
	s := sessionOf(ask.Session)
	if t := s.target.Load(); t != nil && t.of == p && t.from.Equal(ask.From.Cursor) {
		return t
	}
	t := &target{of: p, from: slices.Clone(ask.From.Cursor), cursors: p.cursors(ask)}
	if env := (&value.Env{Cursor: t.cursors}); p.placesURL() {
		if urls, err := p.targetURLs(env, !ask.From.Cursor.IsZero()); err == nil {
			t.urls = urls
			if !slices.ContainsFunc(p.HeaderEdits, func(e config.PlannedEdit) bool { return slices.Contains(config.ForwardedFields, e.Name) }) {
				urls.absolute = p.Absolute(&urls.sent, p.Said.Header)
			}
		}
	}
	s.target.Store(t)
	return t
}

// placesURL reports whether the URLs of polls depend on nothing but their position.
func (p *Request) placesURL() bool {
	return p.rewritePath.ReadsOnlyCursors() && p.rewriteQuery.ReadsOnlyCursors() &&
		!slices.ContainsFunc(p.queryEdits, func(e config.PlannedEdit) bool { return !e.Value.ReadsOnlyCursors() })
}

// targetURLs returns the URLs of a poll.
func (p *Request) targetURLs(env *value.Env, placed bool) (*targetURLs, error) {
	current, original, err := p.urls(env, placed)
	if err != nil {
		return nil, err
	}
	return newTargetURLs(current, original), nil
}

func newTargetURLs(current, original *url.URL) *targetURLs {
	u := &targetURLs{
		sent: *urlOf(current.EscapedPath(), current.RawQuery), sentURI: current.RequestURI(), original: original,
		originalURI: original.RequestURI(),
	}
	if *original == u.sent {
		u.original, u.originalURI = &u.sent, u.sentURI
	}
	return u
}
