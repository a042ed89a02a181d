package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

func TestADocumentWhoseMessageIsLostComesNevertheless(t *testing.T) {
	for name, u := range map[string]*upstream{"polled": {}, "long-polled": {hold: 25 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u.items, u.document = 5, true
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
		})
	}
}
