package bridge

import (
	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// shareWith has the feeds share their polls with the cluster of the newest instance; nil: there is none. b.mu is held.
func (b *Bridge) shareWith(newest *Instance) {
	member := (*cluster.Member)(nil)
	if newest != nil && !newest.stopping && b.plan.Unshared() == "" {
		member = newest.Member
	}
	b.shareBy(member)
}

// shareBy has the feeds share their polls by a member of a cluster; nil: with nobody. b.mu is held.
func (b *Bridge) shareBy(member *cluster.Member) {
	if b.member == member {
		return
	}
	b.member = member
	for f, polls := range b.feeds.polls {
		f.Share(b.peers(f, polls.key))
	}
}

// peers returns the nodes that a feed shares its polls with; nil: none. b.mu is held.
func (b *Bridge) peers(f *feed.Feed, key upstream.Key) feed.Peers {
	if b.member == nil {
		return nil
	}
	share, err := b.member.Share(cluster.Feed{
		Bridge: b.key, Key: key[:], Document: b.config.Document, Tokens: b.config.Tokens, LongPoll: b.config.LongPoll, Interval: b.config.Interval,
	}, f)
	if err != nil {
		b.logger.Error("a feed is not shared, and this node polls for itself", zap.String("bridge", b.Name), zap.Error(err))
		return nil
	}
	return share
}
