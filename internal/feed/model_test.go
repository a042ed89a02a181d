package feed

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

// The model: an upstream of one of many kinds publishes, fails, restarts and changes what it has, and
// clients come, are cut off in the middle of a batch, and go from node to node, each with a feed of its
// own. What is held of each client is in model_clients_test.go; upstreams are in model_upstream_test.go,
// their kinds in model_kinds_test.go and model_documents_test.go.

// TestMain fixes the seed of the model, so that each run tries the same scripts; -rapid.seed and
// -rapid.checks, which counts for each kind, search further.
func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	for name, value := range map[string]string{"rapid.seed": "20261121", "rapid.checks": checks} {
		if !set[name] {
			flag.Set(name, value)
		}
	}
	goleak.VerifyTestMain(m)
}

// checks is how many scripts are tried of each kind.
const checks = "5"

// plan is one run of the model.
type plan struct {
	LongPoll bool
	Limit    int // items in one answer
	Tail     int // items that a newcomer gets
	Chains   int
	Replay   int
	Nodes    int
	Latency  time.Duration   // of a poll: half of it before the upstream sees it, half after it has answered
	Seed     uint64          // of what the upstream does at random
	Bus      *testbus.Faults // between the nodes; nil: each polls for itself
	Steps    []step
}

type step struct {
	Do    string
	Who   int
	Count int
	Wait  time.Duration
}

func plans(k kind) *rapid.Generator[plan] {
	do := []string{"publish", "publish", "publish", "publish", "join", "join", "join", "hop", "hop", "hop", "leave", "stranger", "fail", "heal", "clock"}
	if k.restarts {
		do = append(do, "restart")
	}
	if k.edits {
		do = append(do, "edit", "edit")
	}
	return rapid.Custom(func(t *rapid.T) plan {
		p := plan{
			LongPoll: !k.polled && (k.held || rapid.Bool().Draw(t, "long poll")),
			Limit:    rapid.SampledFrom([]int{2, 4, 10, 1000}).Draw(t, "limit"),
			Tail:     rapid.SampledFrom([]int{0, 1, 4, 50}).Draw(t, "tail"),
			Chains:   rapid.SampledFrom([]int{2, 3, 8}).Draw(t, "chains"),
			Replay:   rapid.SampledFrom([]int{1, 8, 64, 1000}).Draw(t, "replay"),
			Nodes:    rapid.SampledFrom([]int{1, 2, 2, 3}).Draw(t, "nodes"),
			Latency:  time.Duration(rapid.SampledFrom([]int{0, 0, 40, 700, 3000}).Draw(t, "latency")) * time.Millisecond,
			Seed:     rapid.Uint64().Draw(t, "seed"),
		}
		p.Steps = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				Do:    rapid.SampledFrom(do).Draw(t, "do"),
				Who:   rapid.IntRange(0, 11).Draw(t, "who"),
				Count: rapid.IntRange(1, 7).Draw(t, "count"),
				Wait:  time.Duration(rapid.SampledFrom([]int{0, 0, 1, 300, 1000, 2000, 3100, 9000, 70_000}).Draw(t, "wait")) * time.Millisecond,
			}
		}), 4, 80).Draw(t, "steps")
		return p
	})
}

func TestEveryClientSeesEveryEventOnceAndInOrder(t *testing.T) {
	for _, k := range slices.Concat(sequences(), messageKinds(), streams(), documents(), setKinds()) {
		if slices.Contains(unmended, k.name) {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				if wrong := play(t, k, plans(k).Draw(rt, "plan")); len(wrong) > 0 {
					rt.Fatalf("%s", strings.Join(wrong, "\n"))
				}
			})
		})
	}
}

// play runs a plan, and returns what was wrong.
func play(t *testing.T, k kind, p plan) (wrong []string) {
	synctest.Test(t, func(*testing.T) {
		m := newModel(k, p)
		if p.Bus != nil {
			m.cluster = NewModelCluster(p.Nodes, *p.Bus)
		}
		for _, s := range p.Steps {
			m.step(s)
		}
		m.settle()
		wrong = m.wrong
		if m.cluster != nil {
			m.cluster.Close()
		}
		pass(time.Minute) // all that lingers ends
	})
	return wrong
}

// model runs a plan.
type model struct {
	*modelUpstream

	sites     []*site
	cluster   ModelCluster // nil: each polls for itself
	clients   map[int]*modelClient
	strangers []*modelClient
}

// site is one node: it has a feed of the upstream, and a new one once that has closed.
type site struct {
	m       *model
	number  int
	config  *Config
	mu      sync.Mutex
	feed    *Feed
	crowded bool // somebody has had to wait for a chain
}

func newModel(k kind, p plan) *model {
	m := &model{modelUpstream: newModelUpstream(k, p), clients: map[int]*modelClient{}}
	for i := range p.Nodes {
		s := &site{m: m, number: i, config: testConfig()}
		s.config.LongPoll, s.config.Chains, s.config.Replay = p.LongPoll, p.Chains, max(p.Replay, k.replay)
		s.config.Cursors, s.config.Tokens, s.config.Document = len(m.reader.Cursors()), m.reader.Tokens(), m.reader.Document() || m.reader.Set()
		s.config.Set = m.reader.Set()
		s.config.Messages, s.config.Stream = m.reader.Messages(), k.stream
		s.config.ByID, s.config.Unsent, s.config.Diff = k.config.Order == page.ByID, k.config.Unsent, k.diff
		m.sites = append(m.sites, s)
	}
	return m
}

func (m *model) step(s step) {
	pass(s.Wait)
	synctest.Wait()
	c := m.clients[s.Who]
	switch s.Do {
	case "publish":
		m.publish(s.Count)
	case "fail":
		m.fail(troubles[s.Count-1])
	case "heal":
		m.fail(well)
	case "bus":
		if m.cluster != nil {
			m.cluster.Trouble(s.Who, s.Count)
		}
	case "clock":
		m.jump(s.Count)
	case "edit":
		m.change(s.Who, s.Count)
	case "restart":
		m.restart(s.Count)
	case "join":
		m.join(s.Who, s.Count)
	case "hop":
		if c != nil && c.here {
			c.leave(s.Count % 3)
			m.join(s.Who, s.Count)
		}
	case "leave":
		if c != nil && c.here {
			c.leave(s.Count - 1)
		}
	case "stranger":
		c := newModelClient(m, "stranger")
		c.stranger, c.lastID = true, [...]string{"999999", "x", "c999999", "t1-999999", "-", "%2C", "~1.AAAAAAAA"}[s.Count-1]
		c.join(m.sites[s.Who%len(m.sites)])
		m.strangers = append(m.strangers, c)
		if len(m.strangers) > 2 {
			m.strangers[0].leave(0)
			m.strangers = m.strangers[1:]
		}
	}
}

func (m *model) join(number, at int) {
	c := m.clients[number]
	if c == nil {
		c = newModelClient(m, fmt.Sprint("client ", number))
		m.clients[number] = c
	}
	if !c.here {
		c.join(m.sites[at%len(m.sites)])
	}
}

// restart takes the upstream away for long enough to be noticed. It has other items then. Whoever has got
// none of them from a stream that sees this may have an id that means something else now, and cannot be told.
func (m *model) restart(n int) {
	if m.empty() {
		return
	}
	m.cut()
	pass(time.Duration(10*n) * time.Second)
	synctest.Wait()
	for _, c := range append(slices.Collect(maps.Values(m.clients)), m.strangers...) {
		c.floor = -1
		if !m.kind.tells && !m.kind.document && !c.witness() {
			c.last = nil
		}
	}
	m.anew(n)
}

// admit gives a client its place.
func (s *site) admit(lastID string) *Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.feed == nil {
			s.feed = New(s.config, zap.NewNop())
			if s.m.cluster != nil {
				s.feed.Share(s.m.cluster.Share(s.number, s.feed, s.config))
			}
		}
		if r := s.feed.Join(lastID, Start{Poll: s.m.poll}); r != nil {
			s.feed.mu.Lock()
			s.crowded = s.crowded || len(s.feed.lobby.waiting) > 0
			s.feed.mu.Unlock()
			return r
		}
		s.feed = nil
	}
}

// prompt reports whether a newcomer that has this reader gets all that is published from now on. An
// upstream that fails, or waits for a chain, is asked later, and one that is slow sees the poll later.
func (s *site) prompt(r *Reader) bool {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return s.m.plan.Latency == 0 && s.m.is(well) && r.chain != nil && r.chain.failures == 0 && !s.feed.circuit.open
}

// settle heals the upstream and waits until everybody has everything.
func (m *model) settle() {
	synctest.Wait()
	for _, c := range m.strangers {
		c.leave(0)
	}
	m.fail(well)
	if m.cluster != nil {
		m.cluster.Heal()
	}
	m.publish(1)
	apart := time.Minute
	if m.plan.LongPoll {
		apart *= 2
	}
	for range 12 {
		pass(apart)
		m.publish(1)
	}
	pass(m.catchUp())
	pass(5 * time.Minute) // several held polls, of as many chains as there may be
	synctest.Wait()
	m.count()
	for _, s := range m.sites {
		s.settled()
	}
	for _, c := range m.clients {
		if c.here {
			c.settled()
			c.leave(0)
		}
	}
}

// settled looks for chains that should have met.
func (s *site) settled() {
	present := 0
	for _, c := range s.m.clients {
		if c.here && c.site == s {
			present++
		}
	}
	if present == 0 {
		return
	}
	if n := chainsOf(s.feed); n != 1 && (s.m.kind.apart == nil || !s.m.kind.apart(s.m.plan)) {
		s.m.blame("%d chains at the end, for %d clients", n, present)
	}
}
