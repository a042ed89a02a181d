package bridge

import (
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// feeds are a bridge's feeds, by the key of their polls' content. It has no lock of its own, but for about.
type feeds struct {
	limit    int
	byKey    map[upstream.Key]*feed.Feed
	about    abouts
	polls    map[*feed.Feed]asked
	dividers *dividers
}

// asked is the content of a feed's polls, and what its streams say of it.
type asked struct {
	key    upstream.Key
	said   *upstream.Said
	source *stream.Source
}

func newFeeds(limit int, dividers *dividers) *feeds {
	return &feeds{
		limit: limit, byKey: make(map[upstream.Key]*feed.Feed), about: abouts{of: make(map[*feed.Feed]About)},
		polls: make(map[*feed.Feed]asked), dividers: dividers,
	}
}

// room makes room for one more feed. It ends a feed without clients, if there is one.
func (f *feeds) room() error {
	if len(f.byKey) < f.limit {
		return nil
	}
	if idle := f.dropIdle(nil); idle != nil {
		go idle.Halt() // Halt calls drop, and needs the bridge's lock
		return nil
	}
	return &overLimit{stream.LimitFeeds, f.limit, "feeds"}
}

// dropIdle removes a feed without clients other than one, and returns it, to be halted; nil: there is none.
func (f *feeds) dropIdle(except *feed.Feed) *feed.Feed {
	for old := range f.polls {
		if old != except && old.Idle() {
			f.drop(old)
			return old
		}
	}
	return nil
}

// add adds a feed.
func (f *feeds) add(added *feed.Feed, p *upstream.Request, about About, logger *zap.Logger, source *stream.Source) {
	f.byKey[p.Key], f.polls[added] = added, asked{p.Key, p.Said, source}
	f.about.add(added, about)
	f.dividers.add(p.Said, logger)
}

// drop removes a feed. It may be called more than once.
func (f *feeds) drop(old *feed.Feed) {
	polls, ok := f.polls[old]
	if !ok {
		return
	}
	delete(f.polls, old)
	f.about.drop(old)
	if f.byKey[polls.key] == old {
		delete(f.byKey, polls.key)
	}
	f.dividers.drop(polls.said)
}
