package cluster

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// desk is a station that is up, and what is sent is kept.
type desk struct {
	sent  []message
	of    *Share
	left  nodeID // the only one that is not there
	stirs int    // how often the chains were told to ask
}

func (d *desk) up() bool                          { return true }
func (d *desk) heard(nodeID, time.Time)           {}
func (d *desk) alive(id nodeID) bool              { return id != d.left }
func (d *desk) departed(id nodeID) bool           { return id == d.left }
func (d *desk) nameOf(id nodeID) string           { return id.String() }
func (d *desk) largest() int                      { return 1 << 20 }
func (d *desk) drop(error)                        {}
func (d *desk) connected() bool                   { return true }
func (d *desk) paired()                           {}
func (d *desk) tookOver()                         {}
func (d *desk) part(*Share, cluster.Subscription) {}
func (d *desk) publish(_ string, sealed []byte) {
	text, err := d.of.secret.open(sealed, d.of.packer)
	if err != nil {
		panic(err)
	}
	m, err := scan(text)
	if err != nil {
		panic(err)
	}
	d.sent = append(d.sent, m)
}

// Stir and Hurry are those of the feed.
func (d *desk) Stir()  { d.stirs++ }
func (d *desk) Hurry() {}

// heedful returns a share that has joined, and hears only what a test has it hear.
func heedful(t *testing.T, of Feed) (*Share, *desk) {
	t.Helper()
	d := new(desk)
	s, err := newShare(nodeID{9}, d, newPacker(), of, d)
	if err != nil {
		t.Fatal(err)
	}
	d.of = s
	s.joined(subscribed{})
	t.Cleanup(s.Close)
	return s, d
}

func at(name string) position.Position {
	return position.Position{Cursor: position.Cursor{name}}
}

// answered is what a node says of a poll from one place to another.
func answered(node byte, told, term, lapse uint64, from, to, data string) message {
	p := &page.Page{Next: at(to), News: true, Events: []page.Event{{Data: []byte(data), At: at(to)}}}
	return message{
		kind: kindAnswer, node: nodeID{node}, told: told, claim: claim{term: term, lapse: lapse},
		from: at(from).ID(), to: at(to).ID(), what: what{page: p, at: at(to)},
	}
}

func TestAPlaceThatComesAgainIsNotReadTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Interval: interval})
		s.take(answered(1, 1, 1, 0, "a", "b", "one"), 10)
		s.take(answered(1, 2, 1, 0, "b", "a", "two"), 10)
		stand, got := feed.Stand{Chain: "c", At: at("a"), Seen: 1}, 0
		for range 10 {
			step := s.Next(stand)
			if step.Do != feed.Take {
				break
			}
			for _, e := range step.Answer.Page.Events {
				if string(e.Data) == "one" {
					got++
				}
			}
			stand.At, stand.Seen = step.Answer.To, step.Seen
		}
		if got > 1 {
			t.Errorf("got the first event %d times", got)
		}
	})
}

func TestTheNextInLineDoesNotWaitForANodeThatHasLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, d := heedful(t, Feed{Interval: interval})
		leaves := nodeID{1}
		for s.order(leaves) > s.order(s.self) {
			leaves[0]++
		}
		s.take(message{kind: kindPolling, node: leaves, told: 1, claim: claim{term: 1}, from: at("42").ID(), wait: repeat}, 10)
		s.take(message{kind: kindYield, node: leaves, claim: claim{term: 1}}, 10)
		stand := feed.Stand{Chain: "c", At: at("42"), Seen: s.seq}
		if step := s.Next(stand); step.Do != feed.Await {
			t.Fatalf("after the node has yielded, the chain does %d", step.Do)
		}
		stirs := d.stirs
		d.left = leaves
		s.lostNode(leaves)
		if step := s.Next(stand); d.stirs == stirs || step.Do != feed.Lead {
			t.Errorf("after the node has left, the chain is told %d times to ask, and does %d", d.stirs-stirs, step.Do)
		}
	})
}

func TestWhatANodeHasSaidBeforeAnOutageComesTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Interval: interval})
		late := answered(1, 1, 1, 0, "41", "42", "before")
		s.take(message{kind: kindPolling, node: nodeID{1}, told: 2, claim: claim{term: 1}, from: "42", wait: repeat}, 10)
		s.take(message{kind: kindPolling, node: nodeID{1}, told: 3, claim: claim{term: 1, lapse: 7}, from: "41", wait: repeat}, 10)
		stand := feed.Stand{Chain: "c", At: at("41"), Seen: s.seq} // it has looked what became of the upstream
		if step := s.Next(stand); step.Do != feed.Await {
			t.Fatalf("it does %d", step.Do)
		}
		s.take(late, 10)
		for range 3 {
			step := s.Next(stand)
			if step.Do == feed.Take {
				t.Fatalf("it takes %s", step.Answer.Page.Events[0].Data)
			}
			stand.Seen = step.Seen
		}
	})
}

func TestAnOutageAfterAnotherNodesOneHasANumber(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, d := heedful(t, Feed{Interval: interval})
		failed := message{
			kind: kindAnswer, node: nodeID{1}, told: 1, claim: claim{term: 1, lapse: 7}, from: "41", to: "41",
			what: what{failed: &page.Error{Status: 503, Comment: "status 503"}, at: at("41")},
		}
		s.take(failed, 10)
		s.take(answered(1, 2, 1, 7, "41", "42", "after"), 10)
		s.take(message{kind: kindYield, node: nodeID{1}, claim: claim{term: 1, lapse: 7}}, 10)
		pass(time.Second)
		stand := feed.Stand{Chain: "c", At: at("42"), Seen: s.seq}
		if step := s.Next(stand); step.Do != feed.Lead {
			t.Fatalf("it does %d", step.Do)
		}
		s.Polling(stand)
		s.Tell(stand, feed.Told{To: at("42"), Failed: failed.failed})
		if last := d.sent[len(d.sent)-1]; last.failed == nil || last.lapse == 7 {
			t.Errorf("it says %+v, by which nobody knows of the second outage who does not hear that", last)
		}
	})
}

func TestWhereNobodyPollsNoNodeIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Interval: interval})
		if st := s.Standing(); st.Polled != feed.PolledAlone || st.Node != "" {
			t.Errorf("%+v", st)
		}
	})
}

func TestAnswersToNewcomersAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Interval: interval})
		for i := range 40 {
			m := answered(1, 0, 0, 0, "", "42", "first")
			m.kind, m.from = kindStart, strings.Repeat("x", i)
			s.take(m, 512<<10)
		}
		bytes := 0
		s.mu.Lock()
		for _, e := range s.starts {
			bytes += e.size
		}
		s.mu.Unlock()
		if bytes > maxTape {
			t.Errorf("%d bytes are kept", bytes)
		}
		pass(2 * maxGreet)
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.starts) > 0 {
			t.Errorf("%d are kept for ever", len(s.starts))
		}
	})
}

func TestADocumentDoesNotGoBackWhenAnotherNodePolls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Interval: interval, Document: true})
		say := func(node byte, term uint64, data string) message {
			m := answered(node, 1, term, 0, "", "", data)
			m.from, m.to, m.at, m.page.Next = "", "", position.Position{}, position.Position{}
			m.heard = []hearing{{s.self, 1}} // before it polled
			return m
		}
		stand := feed.Stand{Chain: "c", Seen: s.seq, Due: time.Now().Add(interval)}
		take := func() string {
			step := s.Next(stand)
			stand.Seen = step.Seen
			if step.Do != feed.Take {
				return ""
			}
			return string(step.Answer.Page.Events[0].Data)
		}
		s.take(say(1, 1, "newer"), 10)
		if got := take(); got != "newer" {
			t.Fatalf("it takes %q", got)
		}
		s.take(say(2, 2, "older"), 10) // another node took over, and has polled before
		if got := take(); got != "" {
			t.Errorf("it takes %q", got)
		}
	})
}

func TestFeedsThatCloseWhileTheBusIsAwayAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t, 1, &upstream{items: 5})
		defer s.close()
		s.bus.Away(true)
		pass(3 * time.Second)
		for range 1000 {
			share, err := s.members[0].Share(Feed{Bridge: "bridge", Key: []byte("feed")}, new(desk))
			if err != nil {
				t.Fatal(err)
			}
			share.Close()
		}
		pass(10 * time.Second)
		m := s.members[0]
		m.mu.Lock()
		defer m.mu.Unlock()
		if n := len(m.joining); n > 1 {
			t.Errorf("%d of them are kept", n)
		}
	})
}

func TestAMessageThatComesWhileTheNodeLeavesIsNobodyElses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t, 1, &upstream{items: 5})
		s.open(0, "bridge", "feed")
		share := s.share(0, "bridge", "feed")
		pass(time.Second)
		m := answered(1, 1, 1, 0, "41", "42", strings.Repeat("x", 2*packed))
		text, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		sealed := share.secret.seal(text, share.packer)
		s.close()
		share.hear(sealed)
		if n := s.members[0].Status().Dropped; n > 0 {
			t.Errorf("%d messages are somebody else's", n)
		}
	})
}

func TestAResetIsTakenOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, _ := heedful(t, Feed{Interval: interval})
		s.take(message{kind: kindPolling, node: nodeID{1}, told: 1, claim: claim{term: 1}, from: "3", wait: repeat}, 10)
		stand, did := feed.Stand{Chain: "c", At: at("3"), Seen: s.seq}, []string(nil)
		s.take(message{kind: kindAnswer, node: nodeID{1}, told: 2, claim: claim{term: 1, lapse: 7}, from: "3", to: s.placeOf(position.Position{}, ""), what: what{reset: feed.Resets[0]}}, 10)
		first := answered(1, 0, 1, 7, "", "3", "three")
		first.kind, first.from = kindStart, s.placeOf(position.Position{}, "")
		s.take(first, 10) // it has as many items again
		for range 10 {
			step := s.Next(stand)
			if step.Do != feed.Take {
				break
			}
			did = append(did, cmp.Or(step.Answer.Reset, "a page"))
			stand.At, stand.Seen, stand.First = step.Answer.To, step.Seen, step.Answer.Reset != ""
		}
		if want := []string{feed.Resets[0], "a page"}; !slices.Equal(did, want) {
			t.Errorf("it takes %q instead of %q", did, want)
		}
	})
}
