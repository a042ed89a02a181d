package feed

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

// ModelCluster is the nodes of a model that share polls. It is made outside of this package, by which that of clusters
// is imported.
type ModelCluster interface {
	// Share shares a feed of a node.
	Share(node int, f *Feed, config *Config) Peers
	// Trouble does something to the bus, or to a node's connection to it.
	Trouble(node, what int)
	// Heal takes all of that back, and makes the bus a good one.
	Heal()
	Close()
}

// NewModelCluster makes the nodes of a cluster.
var NewModelCluster func(nodes int, faults testbus.Faults) ModelCluster

// sharedPlans are plans of nodes that share polls.
func sharedPlans(k kind) *rapid.Generator[plan] {
	return rapid.Custom(func(t *rapid.T) plan {
		p := plans(k).Draw(t, "plan")
		p.Nodes = rapid.IntRange(2, 4).Draw(t, "nodes of the cluster")
		p.Bus = &testbus.Faults{
			Seed:  rapid.Uint64().Draw(t, "seed of the bus"),
			Loses: rapid.SampledFrom([]int{0, 0, 5, 30}).Draw(t, "loses"),
			Twice: rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "twice"),
			Late:  time.Duration(rapid.SampledFrom([]int{0, 0, 20, 800, 5000}).Draw(t, "late")) * time.Millisecond,
		}
		for i := range p.Steps {
			if rapid.IntRange(0, 11).Draw(t, "bus") == 0 {
				p.Steps[i].Do = "bus"
			}
		}
		return p
	})
}

func TestEveryClientOfSharingNodesSeesEveryEventOnceAndInOrder(t *testing.T) {
	if given := flag.Lookup("rapid.checks").Value.String(); given == checks {
		flag.Set("rapid.checks", sharedChecks)
		t.Cleanup(func() { flag.Set("rapid.checks", given) })
	}
	for _, k := range slices.Concat(sequences(), messageKinds(), documents(), setKinds()) {
		if slices.Contains(unmended, k.name) {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				if wrong := play(t, k, sharedPlans(k).Draw(rt, "plan")); len(wrong) > 0 {
					rt.Fatalf("%s", strings.Join(wrong, "\n"))
				}
			})
		})
	}
}

// polled returns how many polls an upstream gets in five minutes with news, from some nodes with two clients each. hops
// says that clients go from node to node meanwhile.
func polled(t *testing.T, k kind, nodes int, longPoll, hops bool) (polls int) {
	synctest.Test(t, func(*testing.T) {
		p := plan{LongPoll: longPoll, Limit: 10, Tail: 4, Chains: 8, Replay: 1000, Nodes: nodes, Seed: 1}
		m := newModel(k, p)
		if nodes > 1 {
			m.cluster = NewModelCluster(nodes, testbus.Faults{})
		}
		m.publish(2)
		for i := range 2 * nodes {
			m.join(i, i)
			pass(300 * time.Millisecond)
		}
		count := func() (n int) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, r := range m.polls {
				n += r.count
			}
			return n
		}
		run := func(d time.Duration) {
			for i := range int(d / (3 * time.Second)) {
				m.publish(1)
				pass(time.Second) // who comes at the same moment may find a node between two polls, or not
				if who := i % (2 * nodes); hops && m.clients[who].here {
					m.clients[who].leave(0)
					m.join(who, i)
				}
				pass(2 * time.Second)
			}
		}
		pass(2 * time.Minute) // so that long polls show the upstream's end
		run(time.Minute)
		before := count()
		run(5 * time.Minute)
		polls = count() - before
		pass(time.Minute)
		for _, wrong := range m.wrong {
			t.Error(wrong)
		}
		for _, c := range m.clients {
			c.leave(0)
		}
		if m.cluster != nil {
			m.cluster.Close()
		}
		pass(time.Minute)
	})
	return polls
}

func TestNodesThatShareMakeThePollsOfOne(t *testing.T) {
	for _, k := range slices.Concat(sequences(), messageKinds()[2:], documents(), setKinds()) {
		for _, longPoll := range []bool{false, true} {
			if k.polled && longPoll || k.held && !longPoll || k.apart != nil && k.apart(plan{LongPoll: longPoll}) {
				continue
			}
			t.Run(fmt.Sprintf("%s, long poll %t", k.name, longPoll), func(t *testing.T) {
				one := polled(t, k, 1, longPoll, false)
				for _, hops := range []bool{false, true} {
					if three := polled(t, k, 3, longPoll, hops); float64(three) > 1.1*float64(one)+3 {
						t.Errorf("three nodes make %d polls, and one makes %d; clients hop: %t", three, one, hops)
					}
				}
			})
		}
	}
}
