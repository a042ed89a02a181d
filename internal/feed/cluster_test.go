package feed_test

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

func init() {
	feed.NewModelCluster = func(nodes int, faults testbus.Faults) feed.ModelCluster {
		c := &modelCluster{Bus: testbus.New(nodes, faults)}
		for i, n := range c.Nodes {
			c.members = append(c.members, cluster.New(n, cluster.Settings{Name: fmt.Sprint("node ", i), Version: "test", Logger: zap.NewNop()}))
		}
		return c
	}
}

// modelCluster is the nodes of a model.
type modelCluster struct {
	*testbus.Bus

	members []*cluster.Member
}

// Share implements feed.ModelCluster.
func (c *modelCluster) Share(node int, f *feed.Feed, config *feed.Config) feed.Peers {
	s, err := c.members[node].Share(cluster.Feed{
		Bridge: "bridge", Key: []byte("feed"), Document: config.Document, Tokens: config.Tokens, LongPoll: config.LongPoll, Interval: config.Interval,
	}, f)
	if err != nil {
		panic(err)
	}
	return s
}

// Trouble implements feed.ModelCluster.
func (c *modelCluster) Trouble(node, fault int) { c.Nodes[node%len(c.Nodes)].Turn(fault) }

// Close implements feed.ModelCluster.
func (c *modelCluster) Close() {
	for _, m := range c.members {
		m.Close()
	}
}
