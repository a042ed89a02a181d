package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// A key that has run out, as VK's do each hour, is no reason to leave the position.
func TestASessionThatHasRunOutIsOpenedAgainAtTheSamePosition(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(2)
		var keys, valid atomic.Int64
		valid.Store(1)
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if ask.Session.Opened == nil {
				ask.Session.Opened = map[string]string{"key": strconv.FormatInt(keys.Add(1), 10)}
			}
			if ask.Session.Opened["key"] != strconv.FormatInt(valid.Load(), 10) {
				return page.Page{}, &page.Error{Comment: "unreadable answer", Err: errors.New("the key has run out")}
			}
			return u.poll(ctx, ask)
		}
		c := join(t, newFeed(testConfig()), "", poll)
		synctest.Wait()
		valid.Store(2)
		u.publish(1)
		pass(10 * time.Second)
		synctest.Wait()
		if got := ids(t, c); got != "1 2 3" {
			t.Errorf("got %q", got)
		}
		if n := keys.Load(); n != 2 {
			t.Errorf("%d sessions were opened", n)
		}
		c.leave()
	})
}

// transport is an upstream that forgets what it has said, and knows only the newest session. It holds a poll for 20s.
type transport struct {
	opened atomic.Int64
	valid  atomic.Int64
	dies   atomic.Bool // each session, at once
	broken atomic.Bool
	said   chan string
}

func (u *transport) poll(ctx context.Context, ask Ask) (page.Page, error) {
	if ask.Session.Opened == nil {
		n := u.opened.Add(1)
		u.valid.Store(n)
		ask.Session.Opened = map[string]string{"sid": strconv.FormatInt(n, 10)}
	}
	switch {
	case u.broken.Load():
		return page.Page{}, errors.New("no answer")
	case u.dies.Load() || ask.Session.Opened["sid"] != strconv.FormatInt(u.valid.Load(), 10):
		return page.Page{Reset: true, Next: ask.From}, nil
	}
	select {
	case text := <-u.said:
		at := position.Position{Done: ask.From.Done + 1}
		return page.Page{News: true, Events: []page.Event{{Data: []byte(text), At: at}}, Next: at, Status: 200}, nil
	case <-time.After(20 * time.Second):
		return page.Page{Next: ask.From, Status: 200}, nil
	case <-ctx.Done():
		return page.Page{}, ctx.Err()
	}
}

func (u *transport) say(text string) {
	u.said <- text
	synctest.Wait()
}

func sessionConfig() *Config {
	config := testConfig()
	config.Cursors, config.Messages, config.Once, config.Loses, config.Forgetful, config.LongPoll = 0, true, true, true, true, true
	return config
}

func TestASessionThatIsLostIsAnnouncedOnceTheNextOneWorks(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(u *transport)
		want    string
	}{
		"one that the upstream has forgotten": {func(u *transport) { u.valid.Store(-1); pass(25 * time.Second) }, "upstream"},
		"sessions that die at once for a while": {func(u *transport) {
			u.dies.Store(true)
			pass(10 * time.Minute)
			u.dies.Store(false)
			pass(time.Minute)
		}, "upstream"},
		"a poll that brought nothing": {func(u *transport) {
			u.broken.Store(true)
			pass(25 * time.Second)
			u.broken.Store(false)
			pass(time.Minute)
		}, "gap"},
		"nothing at all": {func(*transport) { pass(time.Hour) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := &transport{said: make(chan string)}
				f := newFeed(sessionConfig())
				reader := join(t, f, "", u.poll)
				synctest.Wait()
				u.say("a")
				u.say("a")
				c.trouble(u)
				synctest.Wait()
				u.say("a")
				if got, want := texts(t, reader), strings.TrimSpace("a a "+c.want); got != strings.TrimSpace(want)+" a" {
					t.Errorf("got %q, want %q", got, want+" a")
				}
				ids := make(map[string]bool)
				for _, e := range reader.events(t) {
					if e.Type == "" {
						ids[e.LastEventID] = true
					}
				}
				if len(ids) != 3 {
					t.Errorf("three events have the ids %v", ids)
				}
				if n := u.opened.Load(); name == "sessions that die at once for a while" && n > 60 {
					t.Errorf("%d sessions were opened in ten minutes", n)
				}
				reader.leave()
			})
		})
	}
}

func TestAllClientsOfASessionShareIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &transport{said: make(chan string)}
		f := newFeed(sessionConfig())
		first := join(t, f, "", u.poll)
		synctest.Wait()
		u.say("a")
		second := join(t, f, "", u.poll)
		third := join(t, f, "~7.AAAAAAAA", u.poll)
		synctest.Wait()
		u.say("b")
		if a, b, c := texts(t, first), texts(t, second), texts(t, third); a != "a b" || b != "b" || c != "unknown_id b" {
			t.Errorf("got %q, %q and %q", a, b, c)
		}
		if n := u.opened.Load(); n != 1 {
			t.Errorf("%d sessions were opened", n)
		}
		first.leave()
		second.leave()
		third.leave()
	})
}

// What was not acknowledged comes again. Its id still names the place where it came first.
func TestClientsGoOnAfterAnItemThatCameAgain(t *testing.T) {
	for name, pages := range map[string][]string{
		"alone":               {"a b", "a", "c"},
		"behind one":          {"a b", "c a"},
		"before one":          {"a b", "a c"},
		"the last one":        {"a b", "b", "c"},
		"twice":               {"a b", "a b", "b a", "c"},
		"more than once, old": {"a", "b", "a", "a", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				config.Cursors, config.Once, config.Forgetful = 1, true, true
				left := pages
				poll := func(_ context.Context, ask Ask) (page.Page, error) {
					p := page.Page{Next: ask.From, Status: 200}
					if len(left) == 0 {
						return p, nil
					}
					for id := range strings.FieldsSeq(left[0]) {
						at := position.Position{Cursor: position.Cursor{id}}
						p.Events = append(p.Events, page.Event{Data: []byte(id), Key: id, At: at})
						p.Next, p.News = at, true
					}
					left = left[1:]
					return p, nil
				}
				f := newFeed(config)
				first := join(t, f, "", poll)
				pass(time.Minute)
				synctest.Wait()
				if got := texts(t, first); got != "a b c" {
					t.Errorf("got %q", got)
				}
				for id, want := range map[string]string{"a": "b c", "b": "c", "c": ""} {
					again := join(t, f, id, poll)
					synctest.Wait()
					if got := texts(t, again); got != want {
						t.Errorf("after %s, got %q, want %q", id, got, want)
					}
					again.leave()
				}
				first.leave()
			})
		})
	}
}

// mailbox is an upstream whose items stay until they are acknowledged, or until they are sent.
type mailbox struct {
	mu    sync.Mutex
	items []string
	acks  bool
	away  bool
}

func (u *mailbox) put(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.items = append(u.items, id)
}

func (u *mailbox) setAway(away bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.away = away
}

func (u *mailbox) poll(_ context.Context, ask Ask) (page.Page, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.away {
		return page.Page{}, &page.Refusal{Status: http.StatusNotFound}
	}
	p := page.Page{Next: ask.From}
	for _, id := range u.items {
		at := position.Position{Cursor: position.Cursor{id}}
		p.Events, p.Next, p.News = append(p.Events, page.Event{Data: []byte(id), Key: id, At: at}), at, true
	}
	count := len(u.items)
	taken := func(context.Context) error {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.items = u.items[count:]
		return nil
	}
	switch {
	case !u.acks:
		u.items = nil
	case count > 0:
		ask.Session.Then = taken
	}
	return p, nil
}

// Such as one behind a proxy that knows no route for a while.
func TestNothingOfAQueueIsLostThatAnswersWith404ForAWhile(t *testing.T) {
	for _, acks := range []bool{true, false} {
		for _, outage := range []time.Duration{time.Second, 7 * time.Second, 15 * time.Second, 25 * time.Second, time.Minute} {
			t.Run(fmt.Sprintf("acknowledged %t, after %v", acks, outage), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					config := testConfig()
					config.Cursors, config.Once, config.Forgetful = 1, acks, true
					u := &mailbox{acks: acks}
					c := join(t, newFeed(config), "", u.poll)
					u.put("a")
					pass(5 * time.Second)
					u.setAway(true)
					u.put("b")
					pass(outage)
					u.setAway(false)
					pass(2 * time.Minute)
					u.put("c")
					pass(time.Minute)
					synctest.Wait()
					got := texts(t, c)
					if !acks { // its polls send a position, and what a newcomer gets may begin behind it
						got = strings.Replace(got, "a unknown_id b", "a b", 1)
					}
					if got != "a b c" {
						t.Errorf("got %q", texts(t, c))
					}
					c.leave()
				})
			})
		}
	}
}

func TestAQueueWhosePollsSendNothingIsNotResetByRefusals(t *testing.T) {
	for outage := range 30 {
		bubble(t, func(t *testing.T) {
			config := testConfig()
			config.Forgetful, config.Unsent = true, true
			u := new(mailbox)
			c := join(t, newFeed(config), "", u.poll)
			u.put("a")
			pass(5 * time.Second)
			u.setAway(true)
			u.put("b")
			pass(time.Duration(outage) * time.Second)
			u.setAway(false)
			pass(2 * time.Minute)
			synctest.Wait()
			if got := texts(t, c); got != "a b" {
				t.Errorf("after %d s, got %q", outage, got)
			}
			c.leave()
		})
	}
}
