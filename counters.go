package ssebridge

import (
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// tally is what a bridge has counted, or several of one name together.
type tally struct {
	feed.Counts
	feeds, clients, logBytes  int64
	deliveries, bytes, opened int64
	ended, rejected           []labelled
}

func (t *tally) add(other *tally) {
	t.Add(other.Counts)
	t.feeds += other.feeds
	t.clients += other.clients
	t.logBytes += other.logBytes
	t.deliveries += other.deliveries
	t.bytes += other.bytes
	t.opened += other.opened
	for i := range t.ended {
		t.ended[i].value += other.ended[i].value
	}
	for i := range t.rejected {
		t.rejected[i].value += other.rejected[i].value
	}
}

// tally returns what the bridge has counted since it began.
func (b *bridge) tally() *tally {
	counts := b.streams.counts
	t := &tally{
		Counts: b.config.Counters.Load(), logBytes: b.config.Budget.Used(),
		deliveries: counts.deliveries.Load(), bytes: counts.bytes.Load(), opened: counts.opened.Load(),
		ended: counts.ended.load(), rejected: counts.rejected.load(),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.feeds, t.clients = int64(len(b.feeds.byKey)), int64(b.clients)
	return t
}
