package cluster

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// The benchmarks measure what a cluster costs and spares, and print it. `go test -run '^$' -bench . -v ./test/cluster` runs
// them, in some minutes.

// BenchmarkPolls counts the polls of three nodes, with a cluster and without.
func BenchmarkPolls(b *testing.B) {
	caddy := build(b, "caddy", "./cmd/caddy")
	for _, size := range []struct{ feeds, clients int }{{5, 50}, {20, 500}} {
		for _, engine := range []string{*engineName, "none"} {
			b.Run(fmt.Sprintf("%d feeds, %d clients, %s", size.feeds, size.clients, engine), func(b *testing.B) {
				w := newWorld(b, plan{
					engine: engine, caddy: caddy, nodes: 3, kinds: []kind{items, pages}, feeds: size.feeds, clients: size.clients,
					life: 15 * time.Second, every: 330 * time.Millisecond,
				})
				from, to := w.goesOn(30 * time.Second)
				lost, repeated, _ := w.finish()
				b.Logf("polls/s for each feed:%s; at most %.2f times one node's; %d lost, %d repeated; delays %s",
					w.rates(from, to), w.excess(from, to), lost, repeated, w.delays(from, to))
			})
		}
	}
}

// BenchmarkDelivery takes the time from the upstream's event to a client of each node, over a long poll.
func BenchmarkDelivery(b *testing.B) {
	caddy := build(b, "caddy", "./cmd/caddy")
	w := newWorld(b, plan{
		engine: *engineName, caddy: caddy, nodes: 3, kinds: []kind{held}, feeds: 3, clients: 9, every: 100 * time.Millisecond,
	})
	from, to := w.goesOn(30 * time.Second)
	polls := make(map[string]string)
	for _, n := range w.all {
		o := n.look()
		for path, how := range o.polled() {
			polls[n.name+path] = how
		}
	}
	w.finish()
	delays := make(map[string]spread)
	for _, d := range w.deliveries {
		if !d.said.Before(from) && d.said.Before(to) {
			how := polls[d.node.name+d.source.path]
			delays[how] = append(delays[how], d.delay())
		}
	}
	for how, all := range delays {
		b.Logf("polled %s: %s", how, all)
	}
}

// BenchmarkProcessor compares what a node spends that follows another one with what it spends that polls for itself, at
// the same time.
func BenchmarkProcessor(b *testing.B) {
	caddy := build(b, "caddy", "./cmd/caddy")
	for _, k := range []kind{held, items} {
		for _, feeds := range []int{5, 20} {
			b.Run(fmt.Sprintf("%s, %d feeds", k, feeds), func(b *testing.B) {
				p := plan{caddy: caddy, nodes: 2, kinds: []kind{k}, feeds: feeds, clients: 4 * feeds, every: 330 * time.Millisecond}
				p.engine = *engineName
				shares := newWorld(b, p)
				p.engine = "none"
				polls := newWorld(b, p)
				follower := shares.all[0]
				for polls, own := shares.pollerOf(shares.upstream.sources[0]); polls == follower || len(own) < feeds; polls, own = shares.pollerOf(shares.upstream.sources[0]) {
					follower.dies() // it comes back when the other one polls all
					shares.pollsAll(shares.all[1])
					follower.rises()
					shares.settles()
				}
				begin := [2]time.Duration{used(b, follower), used(b, polls.all[0])}
				from, to := shares.goesOn(time.Minute)
				spent := [2]time.Duration{used(b, follower) - begin[0], used(b, polls.all[0]) - begin[1]}
				events := [2]int{follower.heard(shares, from, to), polls.all[0].heard(polls, from, to)}
				each := [2]float64{}
				for i := range each {
					each[i] = spent[i].Seconds() / float64(max(events[i], 1)) * 1e6
				}
				b.Logf("a follower used %s for %d events, %.0f µs each; a node that polls %s for %d, %.0f µs: ratio %.2f",
					spent[0], events[0], each[0], spent[1], events[1], each[1], each[0]/each[1])
			})
		}
	}
}

// pollsAll waits until a node polls all feeds.
func (w *world) pollsAll(n *node) {
	w.t.Helper()
	testsite.Eventually(w.t, n.name+" to poll all feeds", func() bool {
		o := n.look()
		how := o.polled()
		return !slices.ContainsFunc(w.upstream.sources, func(s *source) bool { return how[s.path] != "here" && how[s.path] != "alone" })
	})
}

// heard returns how many numbers came from a node.
func (n *node) heard(w *world, from, to time.Time) (events int) {
	for _, d := range w.delivered(from, to) {
		if d.node == n {
			events++
		}
	}
	return events
}

// used returns how much of a processor a process has used, in its own code and in the kernel (proc(5), fields 14 and 15).
func used(t testing.TB, n *node) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[slices.Index(text, ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
}
