package feed

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// messageKinds are the kinds of upstreams of which each answer is one event. Each chain is told the items one
// after another, as with a session: who asks anew begins at the end, or behind the validator that it names.
func messageKinds() []kind {
	whole := page.Config{Format: page.Message}
	none := func(*publication) bool { return false }
	some := func(p *publication) bool { return p.n/stride%3 == 0 }
	all := func(*publication) bool { return true }
	return []kind{
		{name: "messages", config: whole, reply: tells(none), item: equalWords, replay: 8},
		{name: "messages, some with a validator", config: whole, reply: tells(some), item: equalWords, replay: 8},
		{name: "messages with validators", config: whole, reply: tells(all), item: equalWords},
	}
}

// equalWords are two messages of their own, and two that are equal.
func equalWords(p *publication) {
	if p.n/stride%4 > 1 {
		p.text = "-"
	}
}

// tells answers with the next message. One without a validator is told once: who has been told one has to be
// told the next. A newcomer's poll in the midst of a session begins at the end.
func tells(named func(*publication) bool) func(b *modelUpstream, ask Ask) (page.Response, bool) {
	return func(b *modelUpstream, ask Ask) (page.Response, bool) {
		session, amid := ask.Chain, ask.Chain+" amid"
		key, from := session, b.start(b.plan.Tail)
		if !ask.From.Cursor.IsZero() {
			n, err := strconv.Atoi(ask.From.Cursor[0])
			if err != nil {
				return page.Response{Status: http.StatusBadRequest}, true
			}
			key, from = session+" "+ask.From.Cursor[0], n
		} else if _, ok := b.told[amid]; ok {
			delete(b.told, amid)
			b.told[key] = b.start(0)
		}
		if at, known := b.told[key]; known {
			from = at
		}
		b.told[key] = from
		items := b.after(from, 1)
		if len(items) == 0 {
			return page.Response{Status: http.StatusNoContent}, false
		}
		resp := page.Response{Status: http.StatusOK, Header: http.Header{}, Body: []byte(items[0].text)}
		if named(items[0]) {
			resp.Header.Set("ETag", strconv.Itoa(items[0].n))
			b.told[amid] = items[0].n
		} else {
			b.told[key] = items[0].n
		}
		return resp, true
	}
}

// catchUp is how long it takes to be told all.
func (b *modelUpstream) catchUp() time.Duration {
	if !b.reader.Messages() {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Duration(len(b.current())) * (3*time.Second + b.plan.Latency)
}

// holds reports whether a log of the site holds an id.
func (s *site) holds(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed == nil {
		return false
	}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	for _, c := range s.feed.chains {
		if _, ok := c.log.find(id); ok {
			return true
		}
	}
	return false
}

// counted reports whether a client has come with an id that counts messages, and that nothing knows where
// it is now: it must be told so before it gets anything.
func (c *modelClient) counted() bool {
	at, err := position.Parse(c.lastID, c.site.config.Cursors)
	return err == nil && at.Done > 0 && !c.placed && len(c.before) == 1
}
