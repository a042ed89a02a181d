package ssebridge

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// feeds are a bridge's feeds, by the key of their poll request. It has no lock of its own.
type feeds struct {
	limit  int
	byKey  map[feedKey]*feed.Feed
	keys   map[*feed.Feed]feedKeys
	about  map[*feed.Feed]about
	shapes map[feedKey]int // feeds by all of their key but cookies
	hinted bool            // there is no need to speak of cookies any more
}

// feedKeys are what a feed is found by.
type feedKeys struct {
	key   feedKey
	shape feedKey // the key without cookies
}

func newFeeds(limit int) *feeds {
	return &feeds{
		limit: limit, byKey: make(map[feedKey]*feed.Feed),
		keys: make(map[*feed.Feed]feedKeys), about: make(map[*feed.Feed]about), shapes: make(map[feedKey]int),
	}
}

// room makes room for one more feed: those that only linger go first.
func (f *feeds) room() error {
	if len(f.byKey) < f.limit {
		return nil
	}
	for old := range f.keys {
		if old.Idle() {
			f.drop(old)
			go old.Halt() // which comes back here, and needs the bridge's lock
			return nil
		}
	}
	return fmt.Errorf("%w: %d feeds", errBusy, f.limit)
}

// add takes a feed in. Once in a bridge's life it says where cookies alone keep feeds apart.
func (f *feeds) add(keys feedKeys, added *feed.Feed, logger *zap.Logger) {
	f.byKey[keys.key] = added
	f.keys[added] = keys
	f.shapes[keys.shape]++
	if f.shapes[keys.shape] > 1 && !f.hinted {
		f.hinted = true
		logger.Warn("feeds differ in nothing but their cookies, and are polled apart: if what the upstream answers does not depend on them, `cookies` makes them one feed, and `cookies <name...>` keeps only those that matter")
	}
}

// drop forgets a feed. It may be called more than once.
func (f *feeds) drop(old *feed.Feed) {
	keys, ok := f.keys[old]
	if !ok {
		return
	}
	delete(f.keys, old)
	delete(f.about, old)
	if f.byKey[keys.key] == old {
		delete(f.byKey, keys.key)
	}
	if f.shapes[keys.shape]--; f.shapes[keys.shape] == 0 {
		delete(f.shapes, keys.shape)
	}
}
