package feed

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbus"
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

func TestTheEndComesAfterTheLastOfManyPagesThatAPeerHas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const pages = maxMore + 50
		u := newUpstream()
		f := newFeed(testConfig())
		f.Share(&peersOf{next: func(s Stand) Step {
			p := pageOf(pages, s.At)
			return Step{Do: Take, Seen: s.Seen + 1, Answer: Answer{Came: time.Now(), Told: Told{Page: p, To: p.Next}}}
		}})
		c := join(t, f, "", u.poll)
		<-c.done
		if n := len(c.events(t)); n != pages || c.end.Reason != Ended {
			t.Errorf("%d events of %d came before %v", n, pages, c.end)
		}
	})
}

// The upstream takes each position back that it has just given.
func TestResetsAreBackedOffByAllNodes(t *testing.T) {
	const nodes = 3
	bubble(t, func(t *testing.T) {
		var polls atomic.Int64
		poll := func(_ context.Context, ask Ask) (page.Page, error) {
			polls.Add(1)
			if ask.From.IsZero() {
				return page.Page{News: true, Empty: true, Next: position.Position{Cursor: position.Cursor{"a"}}}, nil
			}
			return page.Page{Reset: true, Next: ask.From}, nil
		}
		cluster := NewModelCluster(nodes, testbus.Faults{})
		var clients []*client
		for i := range nodes {
			config := testConfig()
			config.Tokens = true
			f := newFeed(config)
			f.Share(cluster.Share(i, f, config))
			clients = append(clients, join(t, f, "", poll))
		}
		pass(10 * time.Minute)
		if n := polls.Load(); n > 400 { // one node makes some 80
			t.Errorf("%d polls of %d nodes in ten minutes", n, nodes)
		}
		for _, c := range clients {
			c.leave()
		}
		pass(10 * time.Second)
		cluster.Close()
	})
}

// A 304 says nothing of which document it confirms, where neither has an ETag that counts yet.
func TestADocumentWithoutValidatorsIsNotConfirmedByAPeerAfterAGap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Document, config.Cursors = true, 0
		var text atomic.Value
		text.Store("first")
		f := newFeed(config)
		f.Share(&peersOf{next: func(s Stand) Step {
			switch {
			case text.Load() == "first":
				return Step{}
			case s.Seen > 0:
				return Step{Do: Await, Until: time.Now().Add(time.Hour), Seen: s.Seen}
			}
			return Step{Do: Take, Seen: 1, Gap: true, Answer: Answer{Came: time.Now(), Told: Told{Page: page.Page{Empty: true}}}}
		}})
		c := join(t, f, "", func(context.Context, Ask) (page.Page, error) {
			now := text.Load().(string)
			return page.Page{News: true, Events: []page.Event{{Data: []byte(now), Key: "#" + now}}}, nil
		})
		synctest.Wait()
		text.Store("second") // which a peer has told, and this node has not heard
		pass(time.Minute)
		synctest.Wait()
		if got := said(t, c); got != "first second" {
			t.Errorf("got %q", got)
		}
		f.Share(nil)
		c.leave()
		synctest.Wait()
	})
}
