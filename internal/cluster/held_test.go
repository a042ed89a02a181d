package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

func TestNewsThatAHeldPollBringsReachesNodesThatCameAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5, document: true, hold: 25 * time.Second}
		s := newSite(t, 2, u)
		defer s.close()
		s.join(0, "")
		pass(3 * time.Second)
		s.join(1, "")
		pass(4 * time.Second)
		u.publish(1)
		pass(3 * time.Second)
		for i, c := range s.clients {
			if !strings.Contains(c.text(), `{"n":6}`) {
				t.Errorf("client %d has not got the newest document: %s", i, c.text())
			}
		}
		pass(time.Minute)
		for i, c := range s.clients {
			if !strings.Contains(c.text(), `{"n":6}`) {
				t.Errorf("client %d has not got the newest document a minute later: %s", i, c.text())
			}
		}
	})
}

// Whether a node is thought to be gone meanwhile, and is told nothing then, depends on when its signs of life are due, which is
// another time in each run.
func TestADocumentWhoseMessageIsLostComesNevertheless(t *testing.T) {
	const runs = 60
	for name, hold := range map[string]time.Duration{"polled": 0, "long-polled": 25 * time.Second} {
		t.Run(name, func(t *testing.T) {
			for range runs {
				bubble(t, func(t *testing.T) {
					u := &upstream{items: 5, document: true, hold: hold}
					s := newSite(t, 2, u)
					defer s.close()
					s.join(0, "")
					pass(3 * time.Second)
					s.join(1, "")
					s.run(4*time.Second, 900*time.Millisecond)
					s.bus.Worsen(testbus.Faults{Loses: 100})
					u.publish(1)
					pass(600 * time.Millisecond)
					s.bus.Worsen(testbus.Faults{})
					pass(4 * time.Second)
					u.mu.Lock()
					want := fmt.Sprintf(`{"n":%d}`, u.items)
					u.mu.Unlock()
					for i, c := range s.clients {
						if !strings.Contains(c.text(), want) {
							t.Errorf("client %d has not got %s", i, want)
						}
					}
				})
			}
		})
	}
}

// A chain that is to poll for itself later has still taken what it has taken: else it takes that again and again.
func TestWhatWasTakenStaysTakenUntilTheOwnPoll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Document: true, Interval: interval})
		s.take(message{kind: kindAnswer, node: nodeID{1}, told: 1, claim: claim{term: 1}, wait: repeat, what: what{failed: &page.Error{Status: 503, Comment: "status 503"}}}, 10)
		now := time.Now()
		stand := feed.Stand{Chain: "c", Seen: 1, Waits: now.Add(-time.Minute), Due: now.Add(time.Second)}
		first := s.Next(stand)
		if first.Do != feed.Take {
			t.Fatalf("it does %d", first.Do)
		}
		stand.Seen = first.Seen
		for range 3 {
			step := s.Next(stand)
			if step.Do != feed.Alone || step.Seen != first.Seen {
				t.Fatalf("it does %d, and has seen %d instead of %d", step.Do, step.Seen, first.Seen)
			}
			stand.Seen = step.Seen
		}
	})
}
