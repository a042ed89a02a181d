package feed

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// counted returns how many polls had an outcome.
func counted(c Counts, outcome Outcome) int64 { return c.Polls[slices.Index(Outcomes[:], outcome)] }

func TestAFeedSaysHowItIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		var turns []string
		config.Turned = func(_ *Feed, reason string) { turns = append(turns, reason) }
		u := newUpstream()
		u.publish(3)
		f := newFeed(config)
		if s := f.Status(); s.State != Fresh || s.Chains != 0 || !s.Last.At.IsZero() {
			t.Errorf("before anybody joined: %+v", s)
		}
		begin := time.Now()
		a, b := join(t, f, "", u.poll), join(t, f, "", u.poll)
		pass(5 * time.Second) // polls at 0s, 2s and 4s
		s := f.Status()
		want := Status{
			State: Up, Since: begin, Cursor: "3", Clients: 2, Chains: 1, LogEvents: 3, LogBytes: s.LogBytes,
			Next: begin.Add(6 * time.Second), Tally: Tally{Last: LastPoll{At: begin.Add(4 * time.Second), Outcome: Silent}, Polls: 3, Events: 3, Saved: s.Saved},
		}
		// the second client may have come after the first poll's answer
		if s != want || s.LogBytes != config.Budget.Used() || s.Saved < 2 || s.Saved > 3 {
			t.Errorf("got  %+v\nwant %+v", s, want)
		}

		u.setFail(&page.Error{Status: 503, Comment: "status 503"})
		pass(2 * time.Second)
		s = f.Status()
		if s.State != Down || s.Reason != "status 503" || !s.Since.Equal(begin.Add(6*time.Second)) || s.Errors == 0 || s.Backoff == 0 ||
			s.Last.Status != 503 || s.Last.Outcome != Failed || !s.Next.After(time.Now()) {
			t.Errorf("while the upstream fails: %+v", s)
		}
		u.setFail(errUnreachable)
		pass(time.Minute)
		if c := config.Counters.Load(); c.Down != 1 || counted(c, Failed) < 3 {
			t.Errorf("while the upstream fails: %+v", c)
		}
		u.setFail(nil)
		u.publish(2)
		pass(time.Minute)
		if s = f.Status(); s.State != Up || s.Reason != "" || s.Backoff != 0 || s.Cursor != "5" || s.Events != 5 {
			t.Errorf("once it is back: %+v", s)
		}
		if want := []string{"status 503", ""}; !slices.Equal(turns, want) {
			t.Errorf("the feed has turned so: %q, want %q", turns, want)
		}
		a.leave()
		b.leave()
		pass(time.Minute)
		if c := config.Counters.Load(); c.Chains != 0 || c.Down != 0 || c.Events != 5 {
			t.Errorf("when all have left: %+v", c)
		}
	})
}

// TestPollsAreCountedByWhatBecameOfThem counts one of each.
func TestPollsAreCountedByWhatBecameOfThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = 20 * time.Second
		f := newFeed(config)
		clients := []*client{join(t, f, "", u.poll), join(t, f, "", u.poll), join(t, f, "", u.poll)}
		pass(time.Second)
		u.publish(1)
		pass(25 * time.Second) // of which 20s of silence, and a poll that is held
		s := f.Status()
		if s.Polling.IsZero() || !s.Next.IsZero() || s.Last.Took != 20*time.Second {
			t.Errorf("while a poll is held: %+v", s)
		}
		c := config.Counters.Load()
		if c.Took != 21*time.Second || c.Saved != 4 || c.Durations[7] != 1 || c.Durations[11] != 1 {
			t.Errorf("got %+v", c)
		}
		for _, client := range clients {
			client.leave()
		}
		pass(time.Minute)
		other := newFeed(config)
		refused := join(t, other, "", func(context.Context, Ask) (page.Page, error) {
			return page.Page{}, &page.Refusal{Status: http.StatusNotFound}
		})
		pass(time.Second)
		if s := other.Status(); s.State != Shut || s.Reason != "status 404" {
			t.Errorf("when refused: %+v", s)
		}
		refused.leave()
		broken := join(t, newFeed(config), "", func(context.Context, Ask) (page.Page, error) { return page.Page{}, errOverload })
		synctest.Wait() // any longer, and a second poll might follow
		broken.leave()
		c = config.Counters.Load()
		for outcome, want := range map[Outcome]int64{News: 1, Silent: 1, Abandoned: 1, Declined: 1, Failed: 1} {
			if got := counted(c, outcome); got != want {
				t.Errorf("%d polls with the outcome %s, want %d", got, outcome, want)
			}
		}
	})
}

// TestFeedsThatCloseWhileTheyAreDownAreNotCounted has everybody leave during an outage.
func TestFeedsThatCloseWhileTheyAreDownAreNotCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		f := newFeed(config)
		r := join(t, f, "", func(context.Context, Ask) (page.Page, error) { return page.Page{}, errOverload })
		pass(time.Second)
		if n := config.Counters.Load().Down; n != 1 {
			t.Errorf("%d feeds are down", n)
		}
		r.leave()
		pass(time.Minute)
		if n := config.Counters.Load().Down; n != 0 {
			t.Errorf("%d feeds are down that have closed", n)
		}
	})
}

// A place is looked for again each time a chain has moved.
func TestAResetIsCountedOnceHoweverLongAClientWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains = 2
		u := newUpstream()
		u.most = 1
		u.publish(10_000)
		f := newFeed(config)
		clients := []*client{join(t, f, "1", u.poll), join(t, f, "5000", u.poll), join(t, f, "no, id", u.poll)}
		pass(30 * time.Second)
		if n := config.Counters.Load().Resets[0]; n != 1 {
			t.Errorf("counted %d times", n)
		}
		for _, c := range clients {
			c.leave()
		}
	})
}

func TestResetsAreCountedByReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		u := newUpstream()
		f := newFeed(config)
		r := join(t, f, "%zz", u.poll) // no id of the bridge's
		pass(time.Second)
		r.leave()
		if c := config.Counters.Load(); c.Resets[slices.Index(Resets[:], "unknown_id")] != 1 {
			t.Errorf("got %+v", c.Resets)
		}
	})
}

// TestOnePositionThatFailsDoesNotMakeTheFeedDown has the head be answered meanwhile.
func TestOnePositionThatFailsDoesNotMakeTheFeedDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		turns := 0
		config.Turned = func(*Feed, string) { turns++ }
		u := newUpstream()
		u.publish(1)
		f := newFeed(config)
		head := join(t, f, "", u.poll)
		pass(3 * time.Second)
		bad := f.Join("", Start{Key: "bad", Poll: func(context.Context, Ask) (page.Page, error) { return page.Page{}, errOverload }})
		pass(time.Minute)
		if s := f.Status(); turns > 0 || s.State != Up {
			t.Errorf("the feed has turned %d times, and is %s", turns, s.State)
		}
		bad.Close()
		head.leave()
	})
}

// TestAReaderSaysHowManyEventsItTook has clients that begin within a page, and behind a notice.
func TestAReaderSaysHowManyEventsItTook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(5)
		f := newFeed(testConfig())
		for _, test := range []struct {
			lastID string
			want   int
		}{{"", 5}, {"2", 3}, {"5", 0}, {"%zz", 5}} {
			r := f.Join(test.lastID, Start{Poll: u.poll})
			pass(time.Second)
			took := 0
			for r.Pending() {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
				took += r.Took()
			}
			if took != test.want {
				t.Errorf("a client with the id %q took %d events, want %d", test.lastID, took, test.want)
			}
			defer r.Close()
		}
	})
}

// TestARefusalThatNobodyGetsAnyMoreIsNoState has the upstream be down when it is asked again.
func TestARefusalThatNobodyGetsAnyMoreIsNoState(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.setFail(&page.Refusal{Status: http.StatusNotFound})
		f := newFeed(testConfig())
		refused := join(t, f, "", u.poll)
		pass(5 * time.Second)
		u.setFail(&page.Error{Status: 503, Comment: "status 503"})
		probe := join(t, f, "", u.poll)
		pass(time.Second)
		if s := f.Status(); s.State != Shut || s.Reason != "status 404" {
			t.Errorf("while others get the refusal: %+v", s)
		}
		pass(refusalMemory)
		if s := f.Status(); s.State != Down || s.Reason != "status 503" || s.Clients != 1 {
			t.Errorf("once nobody does: %+v", s)
		}
		refused.leave()
		probe.leave()
	})
}
