package cluster

import (
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
)

func TestANodeThatHasMissedAnOutageLooksOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &upstream{items: 5, hold: 25 * time.Second}
		s := newSite(t, 2, u)
		defer s.close()
		s.join(0, "")
		s.join(1, "")
		pass(time.Second)
		s.run(4*time.Second, 900*time.Millisecond)
		s.bus.Worsen(testbus.Faults{Loses: 100})
		u.change(func() { u.fail = &page.Error{Status: 503, Comment: "status 503"} })
		pass(10 * time.Millisecond)
		u.change(func() { u.fail = nil })
		s.bus.Worsen(testbus.Faults{})
		begin := time.Now()
		pass(10 * time.Second)
		if all, by := u.since(begin); len(all) > 8 {
			t.Errorf("%d polls in 10 seconds in which nothing happens: %v", len(all), by)
		}
	})
}
