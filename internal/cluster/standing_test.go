package cluster

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// cutOff is a station whose bus is away.
type cutOff struct{ station }

func (cutOff) up() bool { return false }

type subscribed struct{ cluster.Subscription }

// What an operator reads of a feed while the bus is away is that, whatever else could be said of it.
func TestWhoPollsAloneBecauseTheBusIsAwaySaysSo(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Share{
		"one that polls for others": {station: cutOff{}, subscription: subscribed{}, hellos: hellos{nodes: map[nodeID]*listener{{1}: {}}}},
		"one that others have not":  {station: cutOff{}, subscription: subscribed{}},
		"one that has never joined": {station: cutOff{}},
	} {
		if want := (feed.Standing{Polled: feed.PolledAlone, Alone: aloneDown}); s.Standing() != want {
			t.Errorf("a feed, %s: %+v, want %+v", name, s.Standing(), want)
		}
	}
}
