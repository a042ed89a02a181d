package feed

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// peersOf are peers that do what a test says.
type peersOf struct{ next func(Stand) Step }

func (p *peersOf) Next(s Stand) Step  { return p.next(s) }
func (p *peersOf) Covers(Stand) bool  { return false }
func (p *peersOf) Polling(Stand)      {}
func (p *peersOf) Tell(Stand, Told)   {}
func (p *peersOf) Left(string)        {}
func (p *peersOf) Standing() Standing { return Standing{} }
func (p *peersOf) Close()             {}

func TestWhatOldPeersHaveCountedIsNothingToNewOnes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		f := newFeed(testConfig())
		var seen atomic.Uint64
		fresh := &peersOf{next: func(s Stand) Step {
			seen.Store(max(seen.Load(), s.Seen))
			return Step{Do: Await, Until: time.Now().Add(time.Hour), Seen: s.Seen}
		}}
		f.Share(&peersOf{next: func(s Stand) Step {
			f.Share(fresh) // a reload, just then
			return Step{Seen: 57}
		}})
		c := join(t, f, "5", u.poll)
		pass(5 * time.Second)
		if n := seen.Load(); n > 0 {
			t.Errorf("the new peers are asked for what comes after %d", n)
		}
		c.leave()
		synctest.Wait()
	})
}

func TestAnOutageThatPeersHaveToldOfIsCheckedWithoutThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		u := newUpstream()
		u.publish(5)
		f := newFeed(config)
		c := join(t, f, "", u.poll)
		pass(3 * config.Interval)
		var told atomic.Bool
		f.Share(&peersOf{next: func(s Stand) Step {
			if told.Load() {
				return Step{Do: Await, Until: time.Now().Add(time.Hour), Seen: 1}
			}
			told.Store(true)
			return Step{Do: Take, Seen: 1, Answer: Answer{Came: time.Now(), Told: Told{Failed: &page.Error{Status: 503, Comment: "status 503"}, To: s.At}}}
		}})
		pass(3 * config.Interval)
		f.mu.Lock()
		owes := f.chains[0].sharing.outage
		f.mu.Unlock()
		if !owes {
			t.Fatal("it was not told")
		}
		f.Share(nil)
		f.mu.Lock()
		owes = f.chains[0].check.is(owed)
		f.mu.Unlock()
		if !owes {
			t.Error("the chain goes on as if the upstream had never been away")
		}
		c.leave()
		synctest.Wait()
	})
}
