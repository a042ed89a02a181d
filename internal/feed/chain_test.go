package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// ids are the last event ids of a client's events, and data what they say.
func ids(t *testing.T, c *client) string {
	t.Helper()
	var all []string
	for _, e := range c.events(t) {
		if strings.HasPrefix(e.Type, "bridge.") {
			all = append(all, e.Type)
			continue
		}
		all = append(all, e.LastEventID)
	}
	return strings.Join(all, " ")
}

func TestNewcomerGetsWhatItsFirstPollGets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(3)
		c := join(t, newFeed(testConfig()), "", u.poll)
		synctest.Wait()
		if got := ids(t, c); got != "1 2 3" {
			t.Errorf("got %q", got)
		}
		if asks, _ := u.asked(); !asks[0].First {
			t.Error("the first poll is not marked as a client's own")
		}
		c.leave()
	})
}

func TestResumeGoesOnAfterTheID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(5)
		c := join(t, newFeed(testConfig()), "2", u.poll)
		synctest.Wait()
		if got := ids(t, c); got != "3 4 5" {
			t.Errorf("got %q", got)
		}
		u.publish(1)
		pass(2 * time.Second)
		synctest.Wait()
		if got := ids(t, c); got != "3 4 5 6" {
			t.Errorf("got %q after a poll", got)
		}
		c.leave()
	})
}

func TestIDsThatNothingCanPlaceAreReset(t *testing.T) {
	for _, id := range []string{"%zz", "1,2", "!hash", strings.Repeat("9", 5000)} {
		bubble(t, func(t *testing.T) {
			u := newUpstream()
			u.publish(2)
			c := join(t, newFeed(testConfig()), id, u.poll)
			synctest.Wait()
			if got := ids(t, c); got != "bridge.reset 1 2" {
				t.Errorf("id %.10q: got %q", id, got)
			}
			c.leave()
		})
	}
}

func TestAnIDFromWhichNoPollCanBeMadeIsResetAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(2)
		asks := func(at position.Position) bool { return at.Cursor[0] != "/elsewhere" }
		for id, want := range map[string]string{"/elsewhere": "bridge.reset 1 2", "1": "2"} {
			c := joinAs(t, newFeed(testConfig()), id, Start{Poll: u.poll, Asks: asks})
			synctest.Wait()
			if got := ids(t, c); got != want {
				t.Errorf("id %s: got %q, want %q", id, got, want)
			}
			c.leave()
		}
	})
}

func TestAnIDThatTheUpstreamRefusesIsResetAndNotRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(2)
		c := join(t, newFeed(testConfig()), "forged", u.poll)
		synctest.Wait()
		pass(10 * time.Second)
		synctest.Wait()
		if got := ids(t, c); got != "bridge.reset 1 2" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

func TestFirstContactRefusalEndsTheStreamWithItsStatus(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410} {
		for _, lastID := range []string{"", "7"} {
			bubble(t, func(t *testing.T) {
				u := newUpstream()
				u.setFail(&page.Refusal{Status: status})
				c := join(t, newFeed(testConfig()), lastID, u.poll)
				end := c.reader.Answered(t.Context(), time.Second)
				<-c.done
				if c.end.Reason != Refused || c.end.Refusal.Status != status {
					t.Errorf("status %d, id %q: got %v", status, lastID, c.end)
				}
				if end == nil {
					t.Errorf("status %d, id %q: the refusal came too late for the headers", status, lastID)
				}
			})
		}
	}
}

func TestAFeedThatWorkedIsRefusedOnlyByTwoLoginsRunning(t *testing.T) {
	for _, test := range []struct {
		status int
		ends   bool
	}{{401, true}, {403, true}, {410, true}, {404, false}, {302, false}, {400, false}} {
		bubble(t, func(t *testing.T) {
			u := newUpstream()
			u.publish(1)
			c := join(t, newFeed(testConfig()), "", u.poll)
			synctest.Wait()
			u.setFail(&page.Refusal{Status: test.status})
			pass(2100 * time.Millisecond)
			synctest.Wait()
			if c.reader.end.Load() != nil {
				t.Fatalf("status %d: one refusal ended the stream", test.status)
			}
			pass(time.Minute)
			synctest.Wait()
			if ended := c.reader.end.Load() != nil; ended != test.ends {
				t.Errorf("status %d: ended is %t", test.status, ended)
			}
			u.setFail(nil)
			u.publish(1)
			pass(time.Minute)
			if !test.ends {
				if got := ids(t, c); got != "1 2" {
					t.Errorf("status %d: got %q after it was over", test.status, got)
				}
				c.leave()
			}
		})
	}
}

func TestAnOutageIsBackedOffAndLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(2)
		c := join(t, newFeed(testConfig()), "", u.poll)
		synctest.Wait()
		u.setFail(&page.Error{Comment: "status 503", Err: errors.New("overload")})
		pass(time.Minute)
		u.setFail(nil)
		u.publish(2)
		pass(maxBackoff + time.Second)
		synctest.Wait()
		if got := ids(t, c); got != "1 2 3 4" {
			t.Errorf("got %q", got)
		}
		if n := strings.Count(c.text(), ": status 503\n"); n != 1 {
			t.Errorf("%d comments of the outage", n)
		}
		c.leave()
	})
}

func TestAnOutageDoesNotResetAClientThatResumes(t *testing.T) {
	for seed := range 50 {
		bubble(t, func(t *testing.T) {
			u := newUpstream()
			u.publish(9)
			u.setFail(&page.Error{Comment: "status 503", Err: errors.New("overload")})
			c := join(t, newFeed(testConfig()), "5", u.poll)
			pass(time.Duration(seed) * 700 * time.Millisecond)
			u.setFail(nil)
			pass(2 * time.Minute)
			synctest.Wait()
			if got := ids(t, c); got != "6 7 8 9" {
				t.Errorf("got %q", got)
			}
			c.leave()
		})
	}
}

func TestPollsOfAnIntervalAreAtLeastThatFarApart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.MaxInterval = 16 * time.Second
		u := newUpstream()
		u.publish(1)
		c := join(t, newFeed(config), "", u.poll)
		pass(time.Minute)
		synctest.Wait()
		var gaps []time.Duration
		_, times := u.asked()
		for i := 1; i < len(times); i++ {
			gaps = append(gaps, times[i].Sub(times[i-1]))
		}
		if got := fmt.Sprint(gaps); got != "[2s 2s 4s 8s 16s 16s]" {
			t.Errorf("without news the polls are %s apart", got)
		}
		u.publish(1)
		pass(30 * time.Second)
		_, times = u.asked()
		n := len(times)
		if gap := times[n-1].Sub(times[n-2]); gap > 16*time.Second {
			t.Errorf("after news the polls are still %s apart", gap)
		}
		c.leave()
	})
}

func TestALongPollFollowsEachAnswerAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = 25 * time.Second
		u.publish(1)
		c := join(t, newFeed(config), "", u.poll)
		start := time.Now()
		for range 10 {
			synctest.Wait()
			u.publish(1)
		}
		synctest.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("ten events took %s", took)
		}
		if got := ids(t, c); got != "1 2 3 4 5 6 7 8 9 10 11" {
			t.Errorf("got %q", got)
		}
		before := u.count()
		pass(101 * time.Second)
		if n := u.count() - before; n != 4 {
			t.Errorf("%d polls of 25s in 100s", n)
		}
		c.leave()
	})
}

func TestALongPollThatIsNotHeldIsPaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.publish(1)
		c := join(t, newFeed(config), "", u.poll)
		pass(time.Minute)
		if n := u.count(); n > 32 {
			t.Errorf("%d polls in a minute of answers without news", n)
		}
		c.leave()
	})
}

// It may pass over what nobody here wants to have, or hold no polls and make each cursor of its clock.
func TestALongPollThatOnlyMovesTheCursorIsPacedAfterSomeAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll, config.Tokens = true, true
		var polls, event atomic.Int64
		poll := func(_ context.Context, ask Ask) (page.Page, error) {
			pass(5 * time.Millisecond)
			n := polls.Add(1)
			at := position.Position{Cursor: position.Cursor{"t" + strconv.FormatInt(n, 10)}}
			p := page.Page{Next: at, News: true, Empty: true}
			if n == event.Load() {
				p.Empty, p.Events = false, []page.Event{{Data: []byte("x"), At: at}}
			}
			return p, nil
		}
		c := join(t, newFeed(config), "", poll)
		pass(100 * time.Millisecond)
		if n := polls.Load(); n < 10 || n > 12 {
			t.Errorf("%d polls at once", n)
		}
		pass(10 * config.Interval)
		if n := polls.Load(); n < 18 || n > 22 {
			t.Errorf("%d polls in ten intervals and a moment", n)
		}
		before := polls.Load()
		event.Store(before + 1)
		pass(config.Interval + 100*time.Millisecond)
		if n := polls.Load() - before; n < 10 || n > 12 {
			t.Errorf("%d polls at once with an event", n)
		}
		c.leave()
	})
}

func TestRetryAfterLengthensAWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.setFail(&page.Error{Comment: "status 429", Wait: 2 * time.Minute, Err: errors.New("slow down")})
		c := join(t, newFeed(testConfig()), "", u.poll)
		pass(119 * time.Second)
		if n := u.count(); n != 1 {
			t.Errorf("%d polls before Retry-After was over", n)
		}
		pass(2 * time.Second)
		if n := u.count(); n != 2 {
			t.Errorf("%d polls after it", n)
		}
		c.leave()
	})
}

func TestMoreIsPolledNoSoonerThanTheUpstreamAsksFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.most = 1
		u.publish(5)
		c := join(t, newFeed(testConfig()), "", func(ctx context.Context, ask Ask) (page.Page, error) {
			p, err := u.poll(ctx, ask)
			p.More, p.Wait = true, time.Minute
			return p, err
		})
		pass(59 * time.Second)
		if n := u.count(); n != 1 {
			t.Errorf("%d polls within the minute", n)
		}
		pass(2 * time.Second)
		if n := u.count(); n != 2 {
			t.Errorf("%d polls after it", n)
		}
		c.leave()
	})
}

func TestTheChainStopsAfterTheLinger(t *testing.T) {
	bubble(t, func(t *testing.T) {
		closed := make(chan struct{})
		config := testConfig()
		config.LongPoll = true
		config.Closed = func(*Feed) { close(closed) }
		u := newUpstream()
		u.hold = time.Minute
		f := newFeed(config)
		c := join(t, f, "", u.poll)
		synctest.Wait()
		c.leave()
		start := time.Now()
		<-closed
		if d := time.Since(start); d != config.Linger {
			t.Errorf("it stopped after %s", d)
		}
		if f.Join("", Start{Poll: u.poll}) != nil {
			t.Error("a closed feed takes clients")
		}
		if used := config.Budget.Used(); used != 0 {
			t.Errorf("%d bytes of its log are still counted", used)
		}
	})
}

func TestAChainPollsOnlyAsFastAsItsReaderReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold, u.most = time.Minute, 10
		u.publish(10_000_000)
		r := newFeed(config).Join("0", Start{Poll: u.poll})
		synctest.Wait()
		if n := u.count(); n != 1 {
			t.Errorf("%d polls before the reader has read", n)
		}
		for range 5 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := u.count(); n != 6 {
			t.Errorf("%d polls for five pages", n)
		}
		r.Close()
	})
}

func TestADocumentIsSentWhenItChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Document, config.Cursors = true, 0
		var version atomic.Value
		version.Store("a")
		poll := func(context.Context, Ask) (page.Page, error) {
			v := version.Load().(string)
			return page.Page{News: true, Events: []page.Event{{Data: []byte(v), Key: "hash-" + v}}}, nil
		}
		f := newFeed(config)
		c := join(t, f, "", poll)
		pass(5 * time.Second)
		version.Store("b")
		pass(5 * time.Second)
		synctest.Wait()
		if got := ids(t, c); got != "hash-a hash-b" {
			t.Errorf("got %q", got)
		}
		c.leave()
		back := join(t, f, "hash-b", poll)
		pass(5 * time.Second)
		synctest.Wait()
		if got := ids(t, back); got != "" {
			t.Errorf("a client that has the document got %q", got)
		}
		version.Store("c")
		pass(5 * time.Second)
		synctest.Wait()
		if got := ids(t, back); got != "hash-c" {
			t.Errorf("got %q", got)
		}
		back.leave()
	})
}

func TestANewcomerHearsOfFailuresBeforeItHasAnything(t *testing.T) {
	for _, document := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			config := testConfig()
			config.Document = document
			u := newUpstream()
			u.setFail(&page.Error{Comment: "status 503", Err: errors.New("overload")})
			c := join(t, newFeed(config), "", u.poll)
			pass(3 * time.Second)
			synctest.Wait()
			if c.text() != ": status 503\n\n" {
				t.Errorf("document %t: got %q", document, c.text())
			}
			c.leave()
		})
	}
}

func TestADocumentIsSentAsASnapshotAndThenPatches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Document, config.Cursors = true, 0
		config.Diff = func(before, after []byte) ([]byte, bool, error) {
			return fmt.Appendf(nil, "%s>%s", before, after), string(after) != "unlike", nil
		}
		var version atomic.Value
		version.Store("a")
		poll := func(context.Context, Ask) (page.Page, error) {
			v := version.Load().(string)
			return page.Page{News: true, Events: []page.Event{{Data: []byte(v), Key: "#" + v}}}, nil
		}
		f := newFeed(config)
		saw := func(c *client) string {
			var all []string
			for _, e := range c.events(t) {
				all = append(all, e.Type+" "+e.Data+" "+e.LastEventID)
			}
			return strings.Join(all, ", ")
		}
		a := join(t, f, "", poll)
		for _, v := range []string{"b", "c", "unlike"} {
			pass(3 * time.Second)
			version.Store(v)
		}
		pass(3 * time.Second)
		from := join(t, f, "#b", poll)
		has := join(t, f, "#unlike", poll)
		forgotten := join(t, f, "#z", poll)
		late := join(t, f, "", poll)
		pass(3 * time.Second)
		synctest.Wait()
		for c, want := range map[*client]string{
			a:         "snapshot a #a, patch a>b #b, patch b>c #c, snapshot unlike #unlike",
			from:      "patch b>c #c, snapshot unlike #unlike",
			has:       "",
			forgotten: "snapshot unlike #unlike",
			late:      "snapshot unlike #unlike",
		} {
			if got := saw(c); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			c.leave()
		}
	})
}

func TestPollsOfADocumentStayConditional(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Document, config.Cursors = true, 0
		known := page.Validators{ETag: `"1"`}
		var unconditional atomic.Int64
		poll := func(_ context.Context, ask Ask) (page.Page, error) {
			if ask.Validators == known {
				return page.Page{}, nil // as a 304 is read
			}
			unconditional.Add(1)
			return page.Page{News: true, Validators: known, Events: []page.Event{{Data: []byte("a"), Key: "#a"}}}, nil
		}
		c := join(t, newFeed(config), "", poll)
		pass(time.Minute)
		if n := unconditional.Load(); n != 1 {
			t.Errorf("%d polls without the ETag", n)
		}
		c.leave()
	})
}

func TestAReaderThatFallsOutOfTheLogIsSlow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll, config.Replay = true, 4
		u := newUpstream()
		u.hold = time.Minute
		u.publish(1)
		f := newFeed(config)
		r := f.Join("", Start{Poll: u.poll})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		c := r.chain
		for range 10 {
			c.audience.wanted.Store(true) // as a faster reader of the same chain would have it
			c.log.demand.taken()
			synctest.Wait()
			u.publish(1)
			synctest.Wait()
			c.audience.wanted.Store(false)
			c.log.demand.taken()
		}
		_, err := r.Next()
		if end := (*End)(nil); !errors.As(err, &end) || end.Reason != Slow {
			t.Errorf("got %v", err)
		}
		r.Close()
	})
}

func TestNobodyJoinsAChainThatHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		u := newUpstream()
		u.publish(2)
		var slow atomic.Bool
		f := newFeed(config)
		a := join(t, f, "", func(ctx context.Context, ask Ask) (page.Page, error) {
			if slow.Load() {
				pass(time.Minute) // it does not hear that nobody waits any more
			}
			return u.poll(ctx, ask)
		})
		pass(time.Second)
		slow.Store(true)
		pass(2 * time.Second) // into the next poll
		a.leave()
		pass(config.Linger + time.Second)
		back := join(t, f, "2", u.poll)
		u.publish(1)
		pass(5 * time.Second)
		synctest.Wait()
		if got := ids(t, back); got != "3" {
			t.Errorf("got %q", got)
		}
		back.leave()
		pass(time.Minute)
	})
}

// Its end comes between a poll that is due and the poll: the last reader has left, or the streams are stopped.
func TestAChainThatHasEndedDoesNothing(t *testing.T) {
	config := testConfig()
	f := newFeed(config)
	c := f.newChain()
	f.mu.Lock()
	f.end(c)
	c.meeting.yield, c.check.doubt = true, certain
	f.mu.Unlock()
	if _, wanted := c.due(time.Now()); wanted {
		t.Error("it wants to poll")
	}
	if _, _, ok := c.begin(time.Now()); ok {
		t.Error("it polls")
	}
	c.fail(errOverload)
	if s := f.Status(); s.State != Fresh || config.Budget.Used() != 0 {
		t.Errorf("it has left %+v, and %d bytes in its log", s, config.Budget.Used())
	}
}

func TestMoreIsPolledAtOnceBesideAnotherChain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.MaxInterval = 30 * time.Second
		u := newUpstream()
		u.publish(20)
		f := newFeed(config)
		head := join(t, f, "20", u.poll)
		pass(75 * time.Second)
		u.most = 2
		behind := join(t, f, "3", func(ctx context.Context, ask Ask) (page.Page, error) {
			p, err := u.poll(ctx, ask)
			p.More = err == nil && p.News
			return p, err
		})
		pass(100 * time.Millisecond)
		synctest.Wait()
		if got, want := ids(t, behind), "4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"; got != want {
			t.Errorf("who is behind got %q at once, not %q", got, want)
		}
		head.leave()
		behind.leave()
	})
}

func TestMoreIsPolledAtOnceAndBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.most = 1
		u.publish(250)
		f := newFeed(testConfig())
		c := join(t, f, "", func(ctx context.Context, ask Ask) (page.Page, error) {
			p, err := u.poll(ctx, ask)
			p.More = true
			return p, err
		})
		synctest.Wait()
		if n := u.count(); n != maxMore+1 {
			t.Errorf("%d polls at once", n)
		}
		pass(10 * time.Second)
		synctest.Wait()
		if got := len(c.events(t)); got != 250 {
			t.Errorf("%d events of 250", got)
		}
		c.leave()
	})
}

func TestTheEndIsToldWhenAllHasBeenSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(3)
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			p, err := u.poll(ctx, ask)
			p.End = true
			return p, err
		}
		f := newFeed(testConfig())
		c := join(t, f, "", poll)
		<-c.done
		if got := ids(t, c); got != "1 2 3" || c.end.Reason != Ended {
			t.Errorf("got %q and then %v", got, c.end)
		}
		r := newFeed(testConfig()).Join("3", Start{Poll: poll})
		if end := r.Answered(t.Context(), time.Second); end == nil || end.Reason != Ended || r.Pending() {
			t.Errorf("who has everything: %v", end)
		}
		r.Close()
	})
}

// The client comes back while the poll that brought the end is still being reported.
func TestWhoComesBackAtOnceAfterTheEndIsToldOfItBeforeTheStreamBegins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(3)
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			pass(100 * time.Millisecond)
			p, err := u.poll(ctx, ask)
			p.End = true
			return p, err
		}
		config := testConfig()
		back := make(chan struct{})
		config.Polled = func(Polled) { <-back }
		f := newFeed(config)
		first := f.Join("", Start{Poll: poll})
		for err := error(nil); err == nil; {
			_, err = first.Next()
		}
		again := f.Join("3", Start{Poll: poll})
		close(back)
		if end := again.Answered(t.Context(), time.Second); end == nil || end.Reason != Ended || again.Pending() {
			t.Errorf("got %v", end)
		}
		first.Close()
		again.Close()
	})
}

// A chain that has found the end of the upstream waits for long while there is no news.
func TestMoreIsPolledAsSoonAsTheUpstreamAllowsBesideAQuietChain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.MaxInterval = 5 * time.Minute
		u := newUpstream()
		u.most = 5
		u.publish(50)
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			p, err := u.poll(ctx, ask)
			if p.More = len(p.Events) == u.most; p.More {
				p.Wait = time.Second
			}
			return p, err
		}
		f := newFeed(config)
		quiet := join(t, f, "50", poll)
		pass(20 * time.Minute)
		c := join(t, f, "", poll)
		pass(15 * time.Second)
		synctest.Wait()
		if got := c.events(t); len(got) != 50 {
			t.Errorf("%d events of 50 in 15 s", len(got))
		}
		quiet.leave()
		c.leave()
	})
}

// pageOf is one of so many pages, which all say that nothing will follow, and but for the last one that there is more.
func pageOf(pages int, from position.Position) page.Page {
	n := 1
	if !from.Cursor.IsZero() {
		n, _ = strconv.Atoi(from.Cursor[0])
		n++
	}
	at := position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}
	return page.Page{News: true, Next: at, More: n < pages, End: true, Events: []page.Event{{Data: []byte(strconv.Itoa(n)), At: at}}}
}

func TestTheEndComesAfterTheLastOfManyPages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const pages = maxMore + 50
		c := join(t, newFeed(testConfig()), "", func(_ context.Context, ask Ask) (page.Page, error) { return pageOf(pages, ask.From), nil })
		<-c.done
		if n := len(c.events(t)); n != pages || c.end.Reason != Ended {
			t.Errorf("%d events of %d came before %v", n, pages, c.end)
		}
	})
}

func TestAResetOfTheUpstreamIsAnnouncedAndNotRepeated(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(3)
		c := join(t, newFeed(testConfig()), "1", func(ctx context.Context, ask Ask) (page.Page, error) {
			if !ask.First {
				return page.Page{Reset: true}, nil
			}
			return page.Page{News: true, Events: []page.Event{{Data: []byte("x"), Key: "x"}}}, nil
		})
		pass(time.Second)
		synctest.Wait()
		if !strings.HasPrefix(c.text(), "event: bridge.reset\ndata: {\"reason\":\"upstream\"}\n\n") {
			t.Errorf("got %q", c.text())
		}
		c.leave()
		u.setFail(nil)
		always := join(t, newFeed(testConfig()), "", func(context.Context, Ask) (page.Page, error) {
			u.count()
			return page.Page{Reset: true}, nil
		})
		pass(time.Minute)
		synctest.Wait()
		if n := strings.Count(always.text(), "bridge.reset"); n != 0 {
			t.Errorf("%d resets for a newcomer", n)
		}
		always.leave()
	})
}

// An upstream that takes back each position which it has just given, or counts anew with every
// answer, would else be polled as fast as it answers.
func TestResetsThatFollowOneAnotherAreBackedOff(t *testing.T) {
	for name, answer := range map[string]page.Page{"reset": {Reset: true}, "restarted": {Restarted: true}} {
		for _, longPoll := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				var polls atomic.Int64
				var healthy atomic.Bool
				config.LongPoll = longPoll
				c := join(t, newFeed(config), "", func(ctx context.Context, ask Ask) (page.Page, error) {
					polls.Add(1)
					switch {
					case ask.First:
						at := position.Position{Cursor: position.Cursor{"1"}}
						return page.Page{News: true, Next: at, Events: []page.Event{{Data: []byte("x"), At: at, Key: "1"}}}, nil
					case !healthy.Load():
						return answer, nil
					}
					return page.Page{Next: ask.From}, nil
				})
				pass(4 * time.Minute)
				synctest.Wait()
				if n := polls.Load(); n < 10 || n > 80 {
					t.Errorf("%s, long poll %t: %d polls in four minutes", name, longPoll, n)
				}
				healthy.Store(true)
				pass(2 * time.Minute)
				synctest.Wait()
				healthy.Store(false)
				before := len(c.text())
				pass(3 * time.Second)
				synctest.Wait()
				if got := c.text()[before:]; !strings.Contains(got, "event: bridge.reset") || !strings.Contains(got, "data: x") {
					t.Errorf("%s, long poll %t: a reset after good answers was held back: %q", name, longPoll, got)
				}
				c.leave()
			})
		}
	}
}

func TestHaltEndsPollsAndKeepsStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(1)
		f := newFeed(testConfig())
		c := join(t, f, "", u.poll)
		synctest.Wait()
		f.Halt()
		before := u.count()
		pass(time.Minute)
		if n := u.count() - before; n != 0 {
			t.Errorf("%d polls after the end", n)
		}
		if c.reader.end.Load() != nil {
			t.Error("the stream ended")
		}
		c.leave()
	})
}

func TestNudgeKeepsAStreamAlive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		c := join(t, newFeed(testConfig()), "", u.poll)
		c.reader.Nudge()
		synctest.Wait()
		if got := c.text(); got != ":\n\n" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

func TestCookiesAndChainIDStayWithTheChain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		type jar struct{ http.CookieJar }
		config.NewJar = func() http.CookieJar { return &jar{} }
		u := newUpstream()
		f := newFeed(config)
		a := join(t, f, "", u.poll)
		pass(3 * time.Second)
		synctest.Wait()
		asks, _ := u.asked()
		if asks[0].Session.Jar != asks[1].Session.Jar || asks[0].Chain != asks[1].Chain || asks[1].Number != 1 {
			t.Errorf("two polls of one chain are %+v and %+v", asks[0], asks[1])
		}
		a.leave()
	})
}
