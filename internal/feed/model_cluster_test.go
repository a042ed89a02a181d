package feed

import (
	"slices"
	"strings"
	"testing"
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
