package bridge

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

// Tally is what a bridge has counted since it began, and its present numbers; or the sum of several bridges
// with one name.
type Tally struct {
	feed.Counts
	stream.Totals
	Feeds, Clients, LogBytes int64 // now
}

// Merge adds the tally of another bridge.
func (t *Tally) Merge(other *Tally) {
	t.Counts.Add(other.Counts)
	t.Totals.Add(other.Totals)
	t.Feeds += other.Feeds
	t.Clients += other.Clients
	t.LogBytes += other.LogBytes
}
