package cluster

import (
	"strings"
	"testing"
	"time"
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
