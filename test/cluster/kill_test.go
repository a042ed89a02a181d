package cluster

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// bound is how late a number may be on a stream that was not cut, without the time in which the machine was too busy for the test. It is
// 2 s on a machine that is not.
const bound = 4 * time.Second

// TestClientsGetAllWhileNodesDie kills nodes, servers of the engine, and both at once, while clients hop between the
// nodes. Under make soak, the engine is also away for a while.
func TestClientsGetAllWhileNodesDie(t *testing.T) {
	p := plan{
		engine: *engineName, nodes: 3, kinds: []kind{items, pages, held, document, items},
		feeds: testsite.Soak(4, 5), clients: testsite.Soak(20, 50), every: 330 * time.Millisecond,
		life: time.Duration(testsite.Soak(5, 15)) * time.Second,
	}
	kills, freezes, lasts := testsite.Soak(6, 60), testsite.Soak(1, 10), 3*time.Second
	if os.Getenv("SOAK") != "" {
		lasts = 4 * time.Second
	}
	if *deaths > 0 {
		kills = *deaths
	}
	w := newWorld(t, p)
	excess, rates := w.atRest()

	var all []*trouble
	suffer := func(kind mishap, turn int, lasts time.Duration) {
		x := w.suffer(kind, turn, lasts)
		all = append(all, x)
		t.Log(w.tell(x))
	}
	for i := range kills {
		suffer(mishap(i%3), i, lasts)
	}
	for i := range freezes {
		suffer(nodeFrozen, i, 5*time.Second)
	}
	suffer(nodeLeaves, 0, time.Second)
	if os.Getenv("SOAK") != "" {
		suffer(serversAway, 0, 12*time.Second)
	}
	_, afterwards := w.atRest()
	for _, n := range w.all {
		var o overview
		testsite.Eventually(t, n.name+" to say how the cluster is", func() bool { o = n.look(); return o.Cluster != nil })
		if o.Cluster.Dropped > 0 {
			t.Errorf("%s says of the cluster %+v", n.name, o.Cluster)
		}
	}
	lost, repeated, wrong := w.finish()
	said, came := w.came()

	t.Logf("of %d numbers %d came to clients as they were said; %d were lost, %d repeated", said, came, lost, repeated)
	t.Logf("polls/s before:%s, at most %.2f times as many as those of one node; afterwards:%s", rates, excess, afterwards)
	for kind := nodeKilled; kind <= serversAway; kind++ {
		var delays, takeovers spread
		for _, x := range all {
			if x.kind == kind {
				delays, takeovers = append(delays, w.worst(x).delay()), append(takeovers, x.takeovers()...)
			}
		}
		if len(delays) > 0 {
			t.Logf("%-13s greatest delays: %s; takeovers: %s", kind, delays, takeovers)
		}
	}
	for _, text := range wrong {
		t.Error(text)
	}
	if lost > 0 || repeated > 0 {
		t.Errorf("%d numbers were lost, %d repeated", lost, repeated)
	}
	for _, x := range all {
		if slices.ContainsFunc(w.delivered(x.at, x.end), func(d delivery) bool { return d.delay() > bound && w.clock.Between(d.said, d.came) > bound }) {
			t.Errorf("something came more than %s late: %s", bound, w.tell(x))
		}
	}
}
