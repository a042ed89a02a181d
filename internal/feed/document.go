package feed

import (
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// The types of the events of a document that is sent as patches.
const (
	snapshot = "snapshot"
	patch    = "patch"
)

// skips reports whether readers that fall behind skip to the newest document. Patches need
// those before them.
func (c *Config) skips() bool { return c.Document && c.Diff == nil }

// patch makes a patch of a document, where the one before is known and it is worth it.
func (c *chain) patch(p page.Page) page.Page {
	if c.feed.config.Diff == nil || len(p.Events) == 0 || p.Events[0].Key == c.document {
		return p
	}
	whole := p.Events[0]
	whole.Type = snapshot
	if c.document != "" {
		changes, worth, err := c.feed.config.Diff(c.text, whole.Data)
		switch {
		case err != nil:
			c.feed.health.logger.Warn("document is sent whole: it could not be compared", zap.Error(err))
		case worth:
			whole.Type, whole.Data = patch, changes
		}
	}
	c.newest = p.Events[0].Data
	p.Events = []page.Event{whole}
	return p
}

func (c *chain) takeDocument(p page.Page) (news bool) {
	c.at = p.Next.Clone()
	if len(p.Events) > 0 { // an answer without a document leaves the one that is known
		c.validators = p.Validators
	}
	if len(p.Events) > 0 && p.Events[0].Key != c.document {
		c.document, c.text, news = p.Events[0].Key, c.newest, true
		c.publish(encode(nil, p.Events, false))
	}
	if c.document == "" {
		return news // nobody can be shown anything yet
	}
	for _, r := range c.newcomers {
		c.show(r)
	}
	c.newcomers = nil
	return news
}

// show gives a reader the newest document, unless it has it.
func (c *chain) show(r *Reader) {
	at, held := c.log.find(r.lastID)
	switch {
	case r.lastID == c.document:
		r.open(c.log.end())
	case c.feed.config.skips():
		r.open(place{node: c.log.tail.Load()})
	case held:
		r.open(at)
	default:
		r.before = sse.AppendEvent(nil, snapshot, c.text, c.document)
		r.open(c.log.end())
	}
}
