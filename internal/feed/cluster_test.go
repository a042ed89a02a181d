package feed_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	members "github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

func init() {
	feed.NewModelCluster = func(nodes int, bus feed.ModelBus) feed.ModelCluster { return newModelCluster(nodes, bus) }
}

// modelCluster is the nodes of a model, and what is between them.
type modelCluster struct {
	feed.ModelBus

	nodes []*node

	mu    sync.Mutex
	away  bool // the whole bus is
	count int  // of messages
}

// node is one node, and its connection to the bus. It is the bus as the node sees it.
type node struct {
	cluster *modelCluster
	member  *members.Member

	// guarded by the lock of the cluster
	heard   map[*subscription]struct{}
	cut     bool // nothing comes or goes, and the node knows that
	deaf    bool // nothing comes or goes, and nobody knows
	up      bool
	changed chan struct{}
}

type subscription struct {
	node  *node
	topic string
	heard func([]byte)
}

func newModelCluster(nodes int, bus feed.ModelBus) *modelCluster {
	c := &modelCluster{ModelBus: bus}
	for range nodes {
		c.nodes = append(c.nodes, &node{cluster: c, heard: make(map[*subscription]struct{}), up: true, changed: make(chan struct{})})
	}
	for i, n := range c.nodes {
		n.member = members.New(n, members.Settings{Name: fmt.Sprint("node ", i), Version: "test", Logger: zap.NewNop()})
	}
	return c
}

// Share implements feed.ModelCluster.
func (c *modelCluster) Share(at int, f *feed.Feed, config *feed.Config) feed.Peers {
	s, err := c.nodes[at].member.Share(members.Feed{
		Bridge: "bridge", Key: []byte("feed"), Document: config.Document, LongPoll: config.LongPoll, Interval: config.Interval,
	}, f)
	if err != nil {
		panic(err)
	}
	return s
}

// Trouble implements feed.ModelCluster.
func (c *modelCluster) Trouble(at, what int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[at%len(c.nodes)]
	switch what {
	case 1:
		c.away = !c.away
	case 2, 3:
		n.cut = !n.cut
	case 4, 5:
		n.deaf = !n.deaf
	case 6: // it has lost something, and knows
		n.stir()
	default:
		c.away, n.cut, n.deaf = false, false, false
	}
	c.turn()
}

// Heal implements feed.ModelCluster.
func (c *modelCluster) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.Loses, c.Twice, c.Late = false, 0, 0, 0
	for _, n := range c.nodes {
		n.cut, n.deaf = false, false
	}
	c.turn()
}

// Close implements feed.ModelCluster.
func (c *modelCluster) Close() {
	for _, n := range c.nodes {
		n.member.Close()
	}
}

// turn has the nodes know what they can know. c.mu is held.
func (c *modelCluster) turn() {
	for _, n := range c.nodes {
		if up := !c.away && !n.cut; up != n.up {
			n.up = up
			n.stir()
		}
	}
}

func (n *node) stir() {
	close(n.changed)
	n.changed = make(chan struct{})
}

var errAway = errors.New("the bus is away")

// Publish implements cluster.Bus.
func (n *node) Publish(topic string, message []byte) error {
	c := n.cluster
	c.mu.Lock()
	if !n.up {
		c.mu.Unlock()
		return errAway
	}
	message = append([]byte(nil), message...)
	var now []*subscription
	for i, to := range c.nodes {
		if to == n {
			continue
		}
		for s := range to.heard {
			if s.topic == topic {
				if topic == "nodes" && c.Loses == 0 && c.Twice == 0 && c.Late == 0 && !n.deaf && !s.node.deaf && s.node.up {
					now = append(now, s) // most messages are signs of life, and no lock is held by who sends them
				} else {
					c.carry(n, s, i, message)
				}
			}
		}
	}
	c.mu.Unlock()
	for _, s := range now {
		s.heard(message)
	}
	return nil
}

// carry brings a message to a subscription, or does not. c.mu is held.
func (c *modelCluster) carry(from *node, to *subscription, receiver int, message []byte) {
	c.count++
	if n := c.count; from.deaf || c.random(100, "loses", n, receiver) < c.Loses {
		return
	}
	times := 1
	if c.random(100, "twice", c.count, receiver) < c.Twice {
		times = 2
	}
	for i := range times {
		wait := time.Duration(0)
		if c.Late > 0 && c.random(2, "late", c.count, i, receiver) == 0 {
			wait = time.Duration(c.random(int(c.Late), "how late", c.count, i, receiver))
		}
		time.AfterFunc(wait, func() {
			c.mu.Lock()
			_, there := to.node.heard[to]
			there = there && to.node.up && !to.node.deaf
			c.mu.Unlock()
			if there {
				to.heard(message)
			}
		})
	}
}

// random returns a number below n, the same one for the same words.
func (c *modelCluster) random(n int, words ...any) int {
	h := fnv.New64a()
	fmt.Fprint(h, c.Seed, words)
	return int(h.Sum64() % uint64(n))
}

// Subscribe implements cluster.Bus.
func (n *node) Subscribe(topic string, heard func([]byte)) (cluster.Subscription, error) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if !n.up {
		return nil, errAway
	}
	s := &subscription{n, topic, heard}
	n.heard[s] = struct{}{}
	return s, nil
}

// Unsubscribe implements cluster.Subscription.
func (s *subscription) Unsubscribe() error {
	s.node.cluster.mu.Lock()
	defer s.node.cluster.mu.Unlock()
	delete(s.node.heard, s)
	return nil
}

// State implements cluster.Bus.
func (n *node) State() (bool, <-chan struct{}) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	return n.up, n.changed
}

// Largest implements cluster.Bus.
func (n *node) Largest() int { return 1 << 20 }
