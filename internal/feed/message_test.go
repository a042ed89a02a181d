package feed

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// speaker is an upstream that says something to whoever asks just then, and knows nothing of before.
type speaker struct {
	reader *page.Reader
	hold   time.Duration // 0: it is polled, and says again what it has said last

	mu    sync.Mutex
	said  string
	etag  string
	fail  error
	heard chan struct{}
	polls int
}

func newSpeaker() *speaker {
	return &speaker{reader: page.NewReader(page.Config{Format: page.Message}), heard: make(chan struct{})}
}

// say answers all polls that are held. An etag stands for a validator that moves.
func (u *speaker) say(text, etag string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.said, u.etag = text, etag
	close(u.heard)
	u.heard = make(chan struct{})
}

func (u *speaker) setFail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fail = err
	close(u.heard)
	u.heard = make(chan struct{})
}

func (u *speaker) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.polls
}

func (u *speaker) poll(ctx context.Context, ask Ask) (page.Page, error) {
	u.mu.Lock()
	u.polls++
	heard, fail := u.heard, u.fail
	u.mu.Unlock()
	if u.hold > 0 && fail == nil {
		if ask.Reached != nil {
			ask.Reached(Sent)
		}
		select {
		case <-heard:
		case <-time.After(u.hold):
			return page.Page{Next: ask.From}, nil
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fail != nil {
		return page.Page{}, u.fail
	}
	resp := page.Response{Status: 200, Header: http.Header{}, Body: []byte(u.said)}
	if u.etag != "" {
		resp.Header.Set("ETag", u.etag)
	}
	return u.reader.ReadOn(resp, ask.From, ask.Carry, nil)
}

func messageConfig(longPoll bool) *Config {
	config := testConfig()
	config.Messages, config.Cursors, config.LongPoll = true, 2, longPoll
	return config
}

// lastOf is the id of the last event that a client has got.
func lastOf(t *testing.T, c *client) string {
	t.Helper()
	events := c.events(t)
	return events[len(events)-1].LastEventID
}

// tell says words, one in three seconds. One that ends in a number has it for its validator.
func tell(u *speaker, words ...string) {
	for _, word := range words {
		text, etag, _ := strings.Cut(word, "#")
		u.say(text, etag)
		synctest.Wait()
		pass(3 * time.Second)
		synctest.Wait()
	}
}

func TestALiveClientGetsEachMessageOnceAndIsNotReset(t *testing.T) {
	for name, words := range map[string]string{
		"without validators": "a b b b c b", "with some": "a b#1 b b c#2 b a", "with one that stays": "a#1 a#1 a#1 b#1 b#2",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newSpeaker()
				u.hold = time.Minute
				c := join(t, newFeed(messageConfig(true)), "", u.poll)
				synctest.Wait()
				all := strings.Fields(words)
				tell(u, all...)
				var want []string
				for _, word := range all {
					text, _, _ := strings.Cut(word, "#")
					want = append(want, text)
				}
				if got := said(t, c); got != strings.Join(want, " ") {
					t.Errorf("got %q of %q", got, words)
				}
				seen := map[string]bool{}
				for _, e := range c.events(t) {
					if e.LastEventID == "" || seen[e.LastEventID] {
						t.Errorf("the id %q does not name one place", e.LastEventID)
					}
					seen[e.LastEventID] = true
				}
				c.leave()
			})
		})
	}
}

func TestEachAnswerToAPollIsAMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		u.say("same", "")
		c := join(t, newFeed(messageConfig(false)), "", u.poll)
		pass(9 * time.Second)
		synctest.Wait()
		if got := said(t, c); got != "same same same same same" || u.count() != 5 {
			t.Errorf("got %q of %d polls", got, u.count())
		}
		c.leave()
	})
}

func TestAClientThatComesBackToTheChainMissesNoMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		u.hold = time.Minute
		f := newFeed(messageConfig(true))
		stays, goes := join(t, f, "", u.poll), join(t, f, "", u.poll)
		synctest.Wait()
		tell(u, "a", "b", "b")
		goes.leave()
		id := lastOf(t, goes)
		tell(u, "b", "b", "c")
		back := join(t, f, id, u.poll)
		synctest.Wait()
		tell(u, "d")
		if got := said(t, back); got != "b b c d" {
			t.Errorf("got %q", got)
		}
		if got := said(t, stays); got != "a b b b b c d" || chainsOf(f) != 1 {
			t.Errorf("who stayed got %q, of %d chains", got, chainsOf(f))
		}
		stays.leave()
		back.leave()
		pass(4 * time.Second) // the chain lingers
		late := join(t, f, lastOf(t, back), u.poll)
		synctest.Wait()
		tell(u, "d")
		if got := said(t, late); got != "d" {
			t.Errorf("within the linger: got %q", got)
		}
		late.leave()
	})
}

// Nobody can tell what was said in between: neither another node, nor a chain that begins anew.
func TestAnIDThatCountsMessagesOfAnotherChainIsReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		u.hold = time.Minute
		here, there := newFeed(messageConfig(true)), newFeed(messageConfig(true))
		a, b := join(t, here, "", u.poll), join(t, there, "", u.poll)
		synctest.Wait()
		tell(u, "a", "a", "a")
		if lastOf(t, a) == lastOf(t, b) {
			t.Errorf("two nodes have the id %s, for what each of them has heard", lastOf(t, a))
		}
		a.leave()
		moved := join(t, there, lastOf(t, a), u.poll)
		old := join(t, there, "~1.vdtCQUR5", u.poll) // of version 0.1.0
		synctest.Wait()
		tell(u, "a", "b")
		for _, c := range []*client{moved, old} {
			if got := said(t, c); got != "bridge.reset a b" || !strings.Contains(c.text(), `{"reason":"gap"}`) {
				t.Errorf("got %q", got)
			}
		}
		if got := said(t, b); got != "a a a a b" || chainsOf(there) != 1 {
			t.Errorf("who stayed got %q, of %d chains", got, chainsOf(there))
		}
		for _, c := range []*client{b, moved, old} {
			c.leave()
		}
		pass(time.Minute)
		again := join(t, newFeed(messageConfig(true)), lastOf(t, b), u.poll)
		synctest.Wait()
		tell(u, "a", "a")
		if got := said(t, again); got != "bridge.reset a a" {
			t.Errorf("after the chain: got %q", got)
		}
		again.leave()
	})
}

// What has no validator of its own comes after a message that has one: that one can be asked for.
func TestAnIDThatCountsBehindACursorGoesOnFromTheCursor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		u.hold = time.Minute
		f := newFeed(messageConfig(true))
		stays := join(t, f, "", u.poll)
		synctest.Wait()
		tell(u, "a#1", "b", "c")
		var asked Ask
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			asked = ask
			return u.poll(ctx, ask)
		}
		beside := join(t, f, "1,~1.vdtCQUR5", poll)
		elsewhere := join(t, newFeed(messageConfig(true)), "1,~1.vdtCQUR5", poll)
		synctest.Wait()
		if asked.From.ID() != "1," {
			t.Errorf("the poll was from %q", asked.From.ID())
		}
		tell(u, "d")
		if got := said(t, beside); got != "bridge.reset b c d" {
			t.Errorf("beside a log that holds the cursor: got %q", got)
		}
		if got := said(t, elsewhere); got != "bridge.reset d" {
			t.Errorf("without one: got %q", got)
		}
		for _, c := range []*client{stays, beside, elsewhere} {
			c.leave()
		}
	})
}

func TestNewcomersShareThePollsOfMessages(t *testing.T) {
	for name, longPoll := range map[string]bool{"held": true, "polled": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newSpeaker()
				if longPoll {
					u.hold = time.Minute
				}
				u.say("0", "")
				config := messageConfig(longPoll)
				config.Chains = 2
				f := newFeed(config)
				var clients []*client
				for i := range 12 {
					clients = append(clients, join(t, f, "", u.poll))
					synctest.Wait()
					tell(u, string(rune('a'+i)))
				}
				tell(u, "z")
				for i, c := range clients {
					got := said(t, c)
					if !strings.HasSuffix(got, "z") && !strings.HasSuffix(got, "z z") || strings.Contains(got, "reset") {
						t.Errorf("newcomer %d got %q", i, got)
					}
					if first := string(rune('a' + i)); longPoll && !strings.HasPrefix(got, first) {
						t.Errorf("newcomer %d got %q, and %s was said when it had come", i, got, first)
					}
				}
				if n := chainsOf(f); n != 1 {
					t.Errorf("there are %d chains", n)
				}
				for _, c := range clients {
					c.leave()
				}
			})
		})
	}
}

func TestAChainThatStartsOverDoesNotGiveIDsAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		u.hold = time.Minute
		resets := false
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			p, err := u.poll(ctx, ask)
			if resets {
				resets = false
				return page.Page{Reset: true, Next: ask.From}, err
			}
			return p, err
		}
		f := newFeed(messageConfig(true))
		stays, goes := join(t, f, "", poll), join(t, f, "", poll)
		synctest.Wait()
		tell(u, "a", "b")
		goes.leave()
		resets = true
		tell(u, "-", "a", "b", "c")
		back := join(t, f, lastOf(t, goes), poll)
		synctest.Wait()
		tell(u, "d")
		if got := said(t, back); got != "bridge.reset d" {
			t.Errorf("got %q", got)
		}
		if got := said(t, stays); got != "a b bridge.reset a b c d" {
			t.Errorf("who stayed got %q", got)
		}
		stays.leave()
		back.leave()
	})
}

func TestANewcomerDoesNotWaitForThePauseOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		config := messageConfig(false)
		config.MaxInterval = time.Hour
		f := newFeed(config)
		first := join(t, f, "", u.poll)
		pass(20 * time.Minute) // nothing is said
		u.mu.Lock()
		u.said = "news"
		u.mu.Unlock()
		second := join(t, f, "", u.poll)
		synctest.Wait()
		if a, b := said(t, first), said(t, second); a != "news" || b != "news" || chainsOf(f) != 1 {
			t.Errorf("they got %q and %q, of %d chains", a, b, chainsOf(f))
		}
		first.leave()
		second.leave()
	})
}

func TestAnOutageTakesNoMessageThatIsAnswered(t *testing.T) {
	for name, words := range map[string][2]string{"without validators": {"a", "b"}, "with some": {"a#1", "b"}, "that come and go": {"b", "b#2"}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newSpeaker()
				u.hold = time.Minute
				c := join(t, newFeed(messageConfig(true)), "", u.poll)
				synctest.Wait()
				tell(u, "0", words[0], "1")
				for _, err := range []error{errors.New("no answer"), &page.Error{Comment: "status 503", Status: 503}, &page.Refusal{Status: 404}} {
					u.setFail(err)
					pass(2 * time.Minute)
					u.setFail(nil)
					pass(time.Minute)
					synctest.Wait()
					tell(u, "1", words[1], "1")
				}
				text := func(word string) string { return word[:1] }
				again := " 1 " + text(words[1]) + " 1"
				if got, want := said(t, c), "0 "+text(words[0])+" 1"+again+again+again; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				c.leave()
			})
		})
	}
}

// All else that is answered in the midst of a doubt can be asked for again.
func TestAMessageIsTakenInTheMidstOfADoubt(t *testing.T) {
	for name, d := range map[string]doubt{"while a failure is confirmed before a check": certain | owed, "after a check that has told nothing": unsure} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newSpeaker()
				u.hold = time.Minute
				f := newFeed(messageConfig(true))
				c := join(t, f, "", u.poll)
				synctest.Wait()
				tell(u, "a#1")
				f.mu.Lock()
				f.chains[0].check.doubt, f.chains[0].check.blame = d, blame{asked: onward}
				f.mu.Unlock()
				tell(u, "b", "c", "d#2")
				if got := said(t, c); got != "a b c d" {
					t.Errorf("got %q", got)
				}
				c.leave()
			})
		})
	}
}

// An upstream that answers at once, and always the same, holds nothing.
func TestAnEchoIsNotPolledAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newSpeaker()
		u.say("echo", "")
		c := join(t, newFeed(messageConfig(true)), "", u.poll)
		pass(20 * time.Second)
		synctest.Wait()
		if n := u.count(); n > 12 || len(c.events(t)) != n {
			t.Errorf("%d polls in 20s, and %d events", n, len(c.events(t)))
		}
		c.leave()
	})
}
