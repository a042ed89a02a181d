package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

// kinds are the kinds of upstreams.
func kinds() map[string]*upstream {
	return map[string]*upstream{
		"polled":                  {},
		"long-polled":             {hold: 20 * time.Second},
		"a document":              {document: true},
		"a document, long-polled": {document: true, hold: 20 * time.Second},
	}
}

// alone returns how many polls one node makes for its own in some time.
func alone(t *testing.T, u *upstream, publish time.Duration, d time.Duration) (polls int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 1, &upstream{document: u.document, hold: u.hold, items: 5})
		defer s.close()
		s.join(0, "")
		pass(5 * time.Second)
		begin := time.Now()
		s.run(d, publish)
		all, _ := s.upstream.since(begin)
		polls = len(all)
	})
	return polls
}

// run publishes an item again and again.
func (s *site) run(d, every time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.upstream.publish(1)
		pass(every)
	}
}

func TestOneNodePollsForAll(t *testing.T) {
	for name, u := range kinds() {
		t.Run(name, func(t *testing.T) {
			most := alone(t, u, 700*time.Millisecond, time.Minute)
			bubble(t, func(t *testing.T) {
				u.items = 5
				s := startSite(t, 3, u)
				defer s.close()
				pass(5 * time.Second)
				begin := time.Now()
				s.run(time.Minute, 700*time.Millisecond)
				all, by := u.since(begin)
				if len(all) > most+1 || len(by) != 1 {
					t.Errorf("the nodes made %v polls, and one alone makes %d", by, most)
				}
				pass(time.Second)
				for _, c := range s.clients {
					if u.document {
						if !strings.Contains(c.text(), fmt.Sprintf(`{"n":%d}`, u.items)) {
							t.Errorf("a client has not got the newest document: %q", c.text())
						}
						continue
					}
					c.wants(t, 3, u.items)
				}
				polled := 0
				for i, f := range s.feeds {
					switch st := f.Status(); st.Polled {
					case feed.PolledHere:
						polled++
					case feed.PolledElsewhere:
						if st.Node == "" || st.Last.Outcome != feed.Shared {
							t.Errorf("node %d: %+v", i, st)
						}
					default:
						t.Errorf("node %d: %+v", i, st.Standing)
					}
				}
				if polled != 1 {
					t.Errorf("%d nodes say that they poll", polled)
				}
			})
		})
	}
}

// whoPolls returns which node polls.
func (s *site) whoPolls() int {
	s.t.Helper()
	return slices.IndexFunc(s.feeds, func(f *feed.Feed) bool { return f != nil && f.Status().Polled == feed.PolledHere })
}

func TestAnotherNodePollsOnceTheOneThatDoesIsGone(t *testing.T) {
	for name, u := range kinds() {
		for how, go_ := range map[string]func(s *site, i int){
			"dead":   func(s *site, i int) { s.bus.Nodes[i].Deafen(true) },
			"closed": func(s *site, i int) { s.members[i].Close() },
			"halted": func(s *site, i int) { s.feeds[i].Halt() },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					u := &upstream{document: u.document, hold: u.hold, items: 5}
					s := startSite(t, 3, u)
					defer s.close()
					s.run(5*time.Second, 700*time.Millisecond)
					polls := s.whoPolls()
					if polls < 0 {
						t.Fatal("nobody polls")
					}
					begin, before := time.Now(), s.takeovers()
					go_(s, polls)
					most := 1500 * time.Millisecond
					if how != "dead" {
						most = 700 * time.Millisecond
					}
					pass(most)
					u.publish(1)
					pass(20 * time.Millisecond)
					s.run(5*time.Second, 700*time.Millisecond)
					all, by := u.since(begin)
					first := slices.IndexFunc(all, func(p poll) bool { return p.node != polls })
					if delete(by, polls); len(by) != 1 || first < 0 || all[first].at.Sub(begin) > most {
						t.Errorf("after node %d was %s, others made %v polls, the first one at %d of %v", polls, how, by, first, all)
					}
					pass(time.Second)
					for i, c := range s.clients {
						if i != polls && !u.document {
							c.wants(t, 3, u.items)
						}
					}
					if taken := s.takeovers() - before; (how == "dead") != (taken == 1) {
						t.Errorf("%d takeovers were counted", taken)
					}
				})
			})
		}
	}
}

// takeovers returns how many there were.
func (s *site) takeovers() (n int64) {
	for _, m := range s.members {
		n += m.Status().Takeovers
	}
	return n
}

// A client that leaves the node that polls may be the last one there. The feed waits for another one, and others poll.
func TestANodeWithoutReadersLetsAnotherOnePoll(t *testing.T) {
	for name, u := range kinds() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u.items = 5
				s := startSite(t, 3, u)
				defer s.close()
				s.run(5*time.Second, 700*time.Millisecond)
				polls := s.whoPolls()
				if polls < 0 {
					t.Fatal("nobody polls")
				}
				s.clients[polls].leave()
				begin, said := time.Now(), make(map[int]time.Time)
				for time.Since(begin) < 4*time.Second {
					pass(130 * time.Millisecond)
					u.publish(1)
					said[u.items] = time.Now()
				}
				pass(2 * time.Second)
				for i, c := range s.clients {
					if i == polls {
						continue
					}
					if !u.document {
						c.wants(t, 3, u.items)
					}
					for n, at := range said {
						came, got := c.heard(u, n)
						if most := interval + 2*stagger + 50*time.Millisecond; !got || came.Sub(at) > most {
							t.Errorf("item %d came after %s, and others poll after %s", n, came.Sub(at), most)
						}
					}
				}
				if _, by := u.since(begin.Add(interval)); by[polls] > 0 {
					t.Errorf("the node without readers made %d polls", by[polls])
				}
			})
		})
	}
}

// A node may be slow for a moment, so that the others think it is gone. What is said from then on comes as before.
func TestANodeThatWasThoughtGoneIsToldAtOnce(t *testing.T) {
	for name, u := range kinds() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u.items = 5
				s := startSite(t, 2, u)
				defer s.close()
				s.run(5*time.Second, 700*time.Millisecond)
				follows := 1 - s.whoPolls()
				s.bus.Nodes[follows].Mute(true)
				s.run(lost+150*time.Millisecond, 50*time.Millisecond)
				s.bus.Nodes[follows].Mute(false)
				pass(beat)
				begin, said := time.Now(), make(map[int]time.Time)
				for time.Since(begin) < 4*time.Second {
					u.publish(1)
					said[u.items] = time.Now()
					pass(130 * time.Millisecond)
				}
				pass(2 * time.Second)
				c := s.clients[follows]
				if !u.document {
					c.wants(t, 3, u.items)
				}
				for n, at := range said {
					if came, got := c.heard(u, n); !got || came.Sub(at) > interval+50*time.Millisecond {
						t.Errorf("item %d came after %s", n, came.Sub(at))
					}
				}
			})
		})
	}
}

// heard returns when an item came, or the first document that has it.
func (c *client) heard(u *upstream, n int) (at time.Time, came bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !u.document {
		at, came = c.came[fmt.Sprintf("item 0.%d", n)]
		return at, came
	}
	for ; n <= u.items && !came; n++ {
		at, came = c.came[fmt.Sprintf(`{"n":%d}`, n)]
	}
	return at, came
}

func TestWhileTheBusIsAwayEachNodePolls(t *testing.T) {
	for name, u := range kinds() {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u.items = 5
				s := startSite(t, 3, u)
				defer s.close()
				s.run(5*time.Second, 700*time.Millisecond)
				s.bus.Away(true)
				s.run(2*time.Second, 700*time.Millisecond)
				begin := time.Now()
				s.run(10*time.Second, 700*time.Millisecond)
				if _, by := u.since(begin); len(by) != 3 {
					t.Errorf("the nodes made %v polls", by)
				}
				if s.members[0].Status().Up {
					t.Error("a member says that the bus is up")
				}
				s.bus.Away(false)
				s.run(4*time.Second, 700*time.Millisecond)
				begin = time.Now()
				s.run(10*time.Second, 700*time.Millisecond)
				if _, by := u.since(begin); len(by) != 1 {
					t.Errorf("afterwards the nodes made %v polls", by)
				}
				pass(time.Second)
				for _, c := range s.clients {
					if !u.document {
						c.wants(t, 3, u.items)
					}
				}
			})
		})
	}
}

func TestOfTwoThatPollOneStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := startSite(t, 4, u)
		defer s.close()
		s.run(3*time.Second, 300*time.Millisecond)
		polls := s.whoPolls()
		s.bus.Nodes[polls].Deafen(true) // it cannot know
		s.run(5*time.Second, 300*time.Millisecond)
		s.bus.Nodes[polls].Deafen(false)
		s.run(4*time.Second, 300*time.Millisecond)
		begin := time.Now()
		s.run(10*time.Second, 300*time.Millisecond)
		if all, by := u.since(begin); len(by) != 1 || len(all) > 22 {
			t.Errorf("the nodes made %v polls", by)
		}
		pass(time.Second)
		for _, c := range s.clients {
			c.wants(t, 3, u.items)
		}
	})
}

func TestANodeWhoseReadersAreSlowDoesNotPollForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := newSite(t, 2, u)
		defer s.close()
		slow := make(chan struct{})
		s.joinAs(0, "", slow)
		for range 6 { // it reads until it polls for all
			select {
			case slow <- struct{}{}:
			case <-time.After(time.Second):
			}
		}
		s.join(1, "")
		pass(interval)
		s.run(20*time.Second, 300*time.Millisecond)
		if polls := s.whoPolls(); polls != 1 {
			t.Errorf("node %d polls", polls)
		}
		pass(time.Second)
		s.clients[1].wants(t, 3, u.items)
	})
}

func TestAPageThatIsTooLargeCostsAPollOfEachNode(t *testing.T) {
	for _, document := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			u := &upstream{items: 5, document: document}
			s := startSite(t, 3, u)
			defer s.close()
			s.run(3*time.Second, 700*time.Millisecond)
			s.bus.Bound(200)
			u.change(func() { u.size = 1000 })
			begin := time.Now()
			s.run(7*time.Second, 700*time.Millisecond)
			all, _ := u.since(begin)
			if !document && (len(all) < 30 || len(all) > 52) {
				t.Errorf("%d polls for 10 pages that are too large", len(all))
			}
			s.bus.Bound(1 << 20)
			s.run(2*time.Second, 700*time.Millisecond)
			begin = time.Now()
			s.run(10*time.Second, 700*time.Millisecond)
			if _, by := u.since(begin); len(by) != 1 {
				t.Errorf("afterwards the nodes made %v polls", by)
			}
			pass(time.Second)
			for _, c := range s.clients {
				if !document {
					c.wants(t, 3, u.items)
				}
			}
		})
	}
}

func TestLostAndLateMessagesCostPolls(t *testing.T) {
	for name, faults := range map[string]testbus.Faults{
		"lost":    {Loses: 10},
		"doubled": {Twice: 50},
		"late":    {Late: 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := &upstream{items: 5}
				s := newSite(t, 3, u)
				s.bus.Heal()
				defer s.close()
				for i := range 3 {
					s.join(i, "")
				}
				pass(interval)
				s.run(3*time.Second, 700*time.Millisecond)
				s.bus.Worsen(faults)
				begin := time.Now()
				s.run(time.Minute, 700*time.Millisecond)
				if all, _ := u.since(begin); len(all) > 250 {
					t.Errorf("%d polls in a minute", len(all))
				}
				s.bus.Heal()
				s.run(5*time.Second, 700*time.Millisecond)
				for _, c := range s.clients {
					c.wants(t, 3, u.items)
				}
			})
		})
	}
}

func TestAnOutageOfTheUpstreamIsTold(t *testing.T) {
	most := 0
	outage := func(n int) (polls int) {
		synctest.Test(t, func(t *testing.T) {
			u := &upstream{items: 5}
			s := startSite(t, n, u)
			defer s.close()
			s.run(3*time.Second, 700*time.Millisecond)
			u.change(func() {
				u.fail = &page.Error{Status: 503, Comment: "status 503", Err: errors.New("overload")}
			})
			begin := time.Now()
			pass(time.Minute)
			all, _ := u.since(begin)
			polls = len(all)
			for i, f := range s.feeds {
				if st := f.Status(); st.State != feed.Down || st.Reason != "status 503" {
					t.Errorf("node %d is %s: %s", i, st.State, st.Reason)
				}
			}
			u.change(func() { u.fail = nil })
			s.run(2*time.Minute, 700*time.Millisecond)
			begin = time.Now()
			s.run(10*time.Second, 700*time.Millisecond)
			if _, by := u.since(begin); len(by) != 1 {
				t.Errorf("afterwards the nodes made %v polls", by)
			}
			pass(time.Second)
			for i, c := range s.clients {
				c.wants(t, 3, u.items)
				if !strings.Contains(c.text(), ": status 503") {
					t.Errorf("client %d was not told", i)
				}
			}
		})
		return polls
	}
	for range 5 {
		most = max(most, outage(1))
	}
	if polls := outage(3); polls > 2*most {
		t.Errorf("%d polls while the upstream was away, and one node makes %d", polls, most)
	}
}

func TestAResetIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 50}
		s := startSite(t, 3, u)
		defer s.close()
		s.run(3*time.Second, 700*time.Millisecond)
		begin := time.Now()
		u.change(func() { u.items, u.run = 2, 1 })
		pass(10 * time.Second)
		for i, c := range s.clients {
			if n := strings.Count(c.text(), "event: bridge.reset"); n != 1 {
				t.Errorf("client %d was told of %d resets", i, n)
			}
			if items := c.items(); !slices.Equal(items[len(items)-2:], []string{"1.1", "1.2"}) {
				t.Errorf("client %d got %v", i, items)
			}
		}
		if all, by := u.since(begin); len(all) > 23 {
			t.Errorf("the nodes made %v polls", by)
		}
	})
}

func TestAllStreamsEndWithTheUpstream(t *testing.T) {
	for name, test := range map[string]struct {
		do     func(*upstream)
		reason feed.Reason
	}{
		"by its end":   {func(u *upstream) { u.end = true }, feed.Ended},
		"by a refusal": {func(u *upstream) { u.fail = &page.Refusal{Status: http.StatusUnauthorized} }, feed.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := &upstream{items: 5}
				s := startSite(t, 3, u)
				defer s.close()
				s.run(3*time.Second, 700*time.Millisecond)
				u.change(func() { test.do(u) })
				pass(10 * time.Second)
				for i, c := range s.clients {
					c.mu.Lock()
					if c.end == nil || c.end.Reason != test.reason {
						t.Errorf("client %d: %v", i, c.end)
					}
					c.mu.Unlock()
				}
			})
		})
	}
}

func TestNewcomersOfAllNodesShareTheirFirstPoll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := startSite(t, 3, u)
		defer s.close()
		s.run(3*time.Second, 700*time.Millisecond)
		begin := time.Now()
		for i := range 9 {
			s.join(i%3, "")
			pass(10 * time.Millisecond)
		}
		all, _ := u.since(begin)
		if starts := slices.DeleteFunc(all, func(p poll) bool { return p.from != "" }); len(starts) != 1 {
			t.Errorf("newcomers made %d polls", len(starts))
		}
		s.run(3*time.Second, 700*time.Millisecond)
		for _, c := range s.clients {
			items := c.items()
			if want := fmt.Sprint("0.", u.items); items[len(items)-1] != want || len(items) > 1 && slices.Contains(items[:len(items)-1], want) {
				t.Errorf("a newcomer got %v", items)
			}
		}
	})
}

func TestAnotherClusterTakesOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := startSite(t, 3, u)
		defer s.close()
		s.run(3*time.Second, 700*time.Millisecond)
		for range 5 {
			for i := range 3 {
				s.share(i, "bridge", "feed")
				s.run(time.Second, 300*time.Millisecond)
			}
		}
		for _, f := range s.feeds {
			f.Share(nil)
		}
		s.run(3*time.Second, 700*time.Millisecond)
		if st := s.feeds[0].Status(); st.Polled != "" {
			t.Errorf("a feed without peers is polled %q", st.Polled)
		}
		for _, c := range s.clients {
			c.wants(t, 3, u.items)
		}
	})
}

// A node may lose its way to the upstream, and no other one does.
func TestANodeThatGetsNoAnswerHasAnotherOnePoll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5}
		s := startSite(t, 3, u)
		defer s.close()
		s.run(3*time.Second, 300*time.Millisecond)
		cut := s.whoPolls()
		u.change(func() { u.unreachable = map[int]bool{cut: true} })
		s.run(4*time.Second, 300*time.Millisecond)
		begin := time.Now()
		s.run(20*time.Second, 300*time.Millisecond)
		if all, by := u.since(begin); len(by) != 1 || by[cut] > 0 || len(all) < 39 {
			t.Errorf("while node %d could not reach the upstream, the nodes made %v polls", cut, by)
		}
		pass(time.Second)
		for _, c := range s.clients {
			c.wants(t, 3, u.items)
		}
		for i, f := range s.feeds {
			if st := f.Status(); st.State != feed.Up {
				t.Errorf("node %d says that the upstream is %s", i, st.State)
			}
		}
		u.change(func() { u.unreachable = map[int]bool{0: true, 1: true, 2: true} })
		begin = time.Now()
		pass(time.Minute)
		if all, by := u.since(begin); len(all) > 30 || len(by) != 3 {
			t.Errorf("while no node could reach the upstream, they made %v polls", by)
		}
	})
}

// While nobody reads a document on a node, what the others tell is not taken there. It may be old when somebody comes.
func TestAReaderGetsNoDocumentThatCameBeforeIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5, document: true}
		s := newSite(t, 2, u)
		defer s.close()
		s.join(0, "")
		pass(interval)
		old := s.join(1, "")
		s.run(3*time.Second, 700*time.Millisecond)
		old.leave()
		s.clients = s.clients[:1]
		s.run(2*interval, interval) // node 1 has heard of this, and nobody is there to take it
		s.bus.Nodes[1].Deafen(true)
		u.publish(1)
		pass(3 * interval)
		text := s.clients[0].text()
		id := text[strings.LastIndex(text, "id: ")+len("id: "):]
		id, _, _ = strings.Cut(id, "\n")
		c := s.join(1, id)
		pass(5 * time.Second)
		if strings.Contains(c.text(), "data:") {
			t.Errorf("a client that has the newest document got %q", c.text())
		}
	})
}
