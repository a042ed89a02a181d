package bridge

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Reports returns the state of all feeds of the bridge. No lock is held for longer than the look at one feed
// takes.
func (b *Bridge) Reports() []Report {
	abouts := b.feeds.about.all()
	all := make([]Report, 0, len(abouts))
	for f, a := range abouts {
		all = append(all, NewReport(a, f.Status()))
	}
	return all
}

// refused is [feed.Config.Refused].
func (b *Bridge) refused(f *feed.Feed, status, clients int) {
	if about, known := b.feeds.about.get(f); known {
		b.refusals.add(about, status, clients, time.Now())
	}
}

// Refusals returns which clients the upstream has refused of late.
func (b *Bridge) Refusals() []Refusal { return b.refusals.all(time.Now()) }
