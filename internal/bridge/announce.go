package bridge

import (
	"slices"
	"sync"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// The names of the events for Caddy's event handlers.
const (
	EventDown = "sse_bridge.feed_down"
	EventUp   = "sse_bridge.feed_up"
)

// announcer emits Caddy's events for feeds that go down and come back. Handlers of events may be slow, and
// pollers do not wait for them: one goroutine emits the events in order, and runs only while there are some.
// If a feed turns twice before its event is emitted, its state is the same as before, and both events are
// dropped. So at most one event is waiting for each feed.
type announcer struct {
	emit func(f *feed.Feed, reason string)

	mu      sync.Mutex
	order   []*feed.Feed
	waiting map[*feed.Feed]string // why it went down; empty: it is back
	running bool
}

func newAnnouncer(emit func(f *feed.Feed, reason string)) *announcer {
	return &announcer{emit: emit, waiting: make(map[*feed.Feed]string)}
}

// turned notes that a feed has gone down, with a reason, or is back, without one. It never blocks, and takes
// only its own lock, because feeds call it while they hold theirs.
func (a *announcer) turned(f *feed.Feed, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, twice := a.waiting[f]; twice {
		delete(a.waiting, f)
		a.order = slices.DeleteFunc(a.order, func(other *feed.Feed) bool { return other == f })
		return
	}
	a.waiting[f] = reason
	a.order = append(a.order, f)
	if !a.running {
		a.running = true
		go a.run()
	}
}

func (a *announcer) run() {
	for {
		f, reason := a.next()
		if f == nil {
			return
		}
		a.emit(f, reason)
	}
}

// next takes the next feed that has turned. It returns nil if there is none, which ends the goroutine.
func (a *announcer) next() (f *feed.Feed, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.order) == 0 {
		a.order, a.running = nil, false
		return nil, ""
	}
	f, a.order = a.order[0], a.order[1:]
	reason = a.waiting[f]
	delete(a.waiting, f)
	return f, reason
}
