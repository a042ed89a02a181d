package upstream

import (
	"bytes"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// attached gives the answer to a poll of Socket.IO with the event that the one before has begun, and without one whose
// attachments come with the next. more is true if there is such an event.
func attached(p *Request, ask feed.Ask, resp page.Response) (_ page.Response, more bool, err error) {
	if p.Plan.Page.Format != page.SocketIO || ask.Aside || !p.Reader.Accepts(resp.Status) {
		return resp, false, nil
	}
	s := sessionOf(ask.Session)
	s.mu.Lock()
	defer s.mu.Unlock()
	whole, unfinished := decode.WholeSocketIO(s.unfinished, resp.Body)
	s.unfinished = nil
	if limit := p.Plan.Limits.Response; int64(len(whole)+len(unfinished)) > limit {
		err := fmt.Errorf("an event and its attachments, in several answers: %w (%d bytes)", errTooLarge, limit)
		return resp, false, &page.Error{Status: resp.Status, Comment: page.Unreadable, Cause: page.TooLarge, Err: err}
	}
	resp.Body, s.unfinished = whole, bytes.Clone(unfinished)
	return resp, len(unfinished) > 0, nil
}
