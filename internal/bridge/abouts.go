package bridge

import (
	"maps"
	"sync"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// abouts are what operators see of the feeds that there are. Their lock is held for no call, so that a feed may ask
// while it holds its own.
type abouts struct {
	mu sync.Mutex
	of map[*feed.Feed]About
}

func (a *abouts) add(f *feed.Feed, about About) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[f] = about
}

func (a *abouts) drop(f *feed.Feed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.of, f)
}

// get returns what operators see of a feed, unless it is gone.
func (a *abouts) get(f *feed.Feed) (about About, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	about, known = a.of[f]
	return about, known
}

// all returns a copy.
func (a *abouts) all() map[*feed.Feed]About {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.of)
}
