package cluster

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// recorded is what the bus has carried.
type recorded struct {
	topics map[string]int // messages, by topic
	bytes  []byte
}

func (s *site) record() *recorded {
	r := &recorded{topics: make(map[string]int)}
	s.bus.Record(func(topic string, message []byte) {
		r.topics[topic]++
		r.bytes = append(append(r.bytes, topic...), message...)
	})
	return r
}

func TestTheBusSeesNothingOfAFeed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5, size: 100}
		s := newSite(t, 3, u)
		defer s.close()
		r := s.record()
		for i := range 3 {
			s.open(i, "bridge", "GET chat.example.com /private?token=hunter2")
			s.join(i, "")
		}
		pass(interval)
		s.run(time.Minute, 700*time.Millisecond)
		s.bus.Record(nil)
		if len(r.topics) != 2 {
			t.Fatalf("%d topics", len(r.topics))
		}
		for _, secret := range []string{"item", "xxx", "hunter2", "chat.example", "private", "bridge"} {
			if bytes.Contains(r.bytes, []byte(secret)) {
				t.Errorf("the bus has seen %q", secret)
			}
		}
	})
}

// A node that is alone with a feed says that it has it, and less and less often. Nothing that comes of its polls leaves
// the node.
func TestNothingOfAFeedLeavesANodeThatIsAloneWithIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := newSite(t, 2, u)
		defer s.close()
		r := s.record()
		s.open(0, "bridge", "feed")
		s.join(0, "")
		pass(interval)
		s.run(10*time.Minute, 700*time.Millisecond)
		s.bus.Record(nil)
		hellos := 0
		for topic, n := range r.topics {
			if topic != nodesTopic {
				hellos += n
			}
		}
		if hellos < 2 || hellos > 12 {
			t.Errorf("%d messages in ten minutes", hellos)
		}
		if st := s.feeds[0].Status(); st.Polled != feed.PolledAlone || st.Alone != aloneOnly {
			t.Errorf("%+v", st.Standing)
		}
	})
}

func TestOtherConfigurationsAndFeedsShareNothing(t *testing.T) {
	for name, other := range map[string][2]string{"another configuration": {"bridge2", "feed"}, "another feed": {"bridge", "feed2"}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := &upstream{items: 5}
				s := newSite(t, 2, u)
				defer s.close()
				s.open(0, "bridge", "feed")
				s.open(1, other[0], other[1])
				s.join(0, "")
				s.join(1, "")
				pass(interval)
				begin := time.Now()
				s.run(2*time.Minute, 700*time.Millisecond)
				if _, by := u.since(begin); len(by) != 2 {
					t.Errorf("the nodes made %v polls", by)
				}
				warned := s.logs.FilterMessage("a node of the cluster differs from this one, so that polls may not be shared").Len()
				if differs := other[0] != "bridge"; differs != (warned == 2) {
					t.Errorf("%d warnings: %v", warned, s.logs.All())
				}
				if nodes := s.members[0].Status().Nodes; len(nodes) != 1 || (nodes[0].Differs != "") != (other[0] != "bridge") {
					t.Errorf("%+v", nodes)
				}
			})
		})
	}
}

func TestANodeOfAnotherVersionIsToldOf(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t, 2, &upstream{})
		defer s.close()
		other := New(s.bus.Nodes[1], Settings{Name: "old", Version: "v0", Logger: zap.NewNop()})
		defer other.Close()
		pass(2 * time.Minute)
		warnings := s.logs.FilterMessage("a node of the cluster differs from this one, so that polls may not be shared").All()
		if len(warnings) != 1 || warnings[0].ContextMap()["how"] != "it has version v0" {
			t.Errorf("%v", warnings)
		}
	})
}

func TestWhoHasNoKeyIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := newSite(t, 3, u)
		defer s.close()
		var topic string
		var old [][]byte
		s.bus.Record(func(to string, message []byte) {
			if to != nodesTopic {
				topic, old = to, append(old, message)
			}
		})
		for i := range 2 {
			s.join(i, "")
		}
		pass(interval)
		s.run(10*time.Second, 700*time.Millisecond)
		s.bus.Record(nil)
		begin := time.Now()
		hostile := s.bus.Nodes[2]
		other := newSecretOf(t, "bridge", "another feed")
		m := message{kind: kindPolling, node: nodeID{0}, claim: claim{term: 1 << 40}}
		forged, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			for _, message := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte{1}, 500), other.seal(forged, s.members[0].packer), old[i%len(old)]} {
				_ = hostile.Publish(topic, message)
			}
			_ = hostile.Publish(nodesTopic, []byte{9, 1})
			s.run(100*time.Millisecond, 100*time.Millisecond)
		}
		for i := range 2 {
			if st := s.members[i].Status(); st.Dropped != 500 {
				t.Errorf("member %d has dropped %d messages", i, st.Dropped)
			}
		}
		if n := s.logs.FilterMessageSnippet("was dropped").Len(); n != 2 {
			t.Errorf("%d warnings", n)
		}
		if all, _ := u.since(begin); len(all) > 70 { // old messages are old answers, which cost polls at most
			t.Errorf("%d polls in ten seconds", len(all))
		}
		pass(5 * time.Second)
		for _, c := range s.clients {
			c.wants(t, 3, u.items)
		}
	})
}

func TestAForgedNodeIsNoMoreThanAName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t, 2, &upstream{})
		defer s.close()
		n := nodes{self: Node{Name: strings.Repeat("n\n\x00", 100), Version: "v1"}}
		for i := range 1000 {
			_ = s.bus.Nodes[1].Publish(nodesTopic, n.sign(nodeID{byte(i), byte(i >> 8), 1}, signSelf))
		}
		st := s.members[0].Status()
		if len(st.Nodes) > maxNodes || strings.ContainsAny(fmt.Sprint(st.Nodes), "\n\x00") {
			t.Errorf("%d nodes, the first one is %q", len(st.Nodes), st.Nodes[0].Name)
		}
	})
}

// Clients that come with another Host to each node have a feed of their own on each.
func TestAClusterInWhichNoFeedFindsAPartnerIsToldOf(t *testing.T) {
	for name, keys := range map[string][2]string{"none does": {"feed", "feed2"}, "one does": {"feed", "feed"}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSite(t, 2, &upstream{items: 5})
				defer s.close()
				for i, key := range keys {
					s.open(i, "bridge", key)
					s.join(i, "")
				}
				pass(10 * time.Minute)
				warned := s.logs.FilterMessageSnippet("no feed has found another node").Len()
				if want := map[bool]int{true: 2}[keys[0] != keys[1]]; warned != want {
					t.Errorf("%d warnings instead of %d", warned, want)
				}
			})
		})
	}
}

// What has come before is no news, of whoever it comes now.
func TestARepeatedDocumentIsNoNewOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5, document: true}
		s := newSite(t, 3, u)
		defer s.close()
		var topic string
		var old [][]byte
		s.bus.Record(func(to string, message []byte) {
			if to != nodesTopic {
				topic, old = to, append(old, message)
			}
		})
		for i := range 2 {
			s.join(i, "")
		}
		pass(interval)
		s.run(5*time.Second, 700*time.Millisecond)
		s.bus.Record(nil)
		for _, message := range old {
			_ = s.bus.Nodes[2].Publish(topic, message)
		}
		pass(100 * time.Millisecond)
		for i, c := range s.clients {
			if n := strings.Count(c.text(), fmt.Sprintf(`{"n":%d}`, u.items-2)); n != 1 {
				t.Errorf("client %d got an old document %d times", i, n)
			}
		}
	})
}
