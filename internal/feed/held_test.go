package feed

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// turns notes when a feed goes down and is back.
type turns struct {
	mu    sync.Mutex
	downs int
	ups   []time.Time
}

func (t *turns) turned(_ *Feed, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if reason == "" {
		t.ups = append(t.ups, time.Now())
	} else {
		t.downs++
	}
}

func (t *turns) so() (downs int, ups []time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.downs, slices.Clone(t.ups)
}

// A backend that holds polls for minutes is up when it is found.
func TestAFeedIsUpAsSoonAsThePollThatFindsItsUpstreamCanTell(t *testing.T) {
	headers := func(poll Poll) Poll {
		return func(ctx context.Context, ask Ask) (page.Page, error) {
			told := ask
			told.Reached = func(stage Stage) {
				ask.Reached(stage)
				ask.Reached(Begun)
			}
			return poll(ctx, told)
		}
	}
	for name, test := range map[string]struct {
		kind      string
		lastID    string // 0: it has brought events
		forgetful bool
		wrap      func(Poll) Poll
		within    time.Duration
	}{
		"ids that grow":                              {kind: "ids that grow", lastID: "0"},
		"ids that grow, no event yet":                {kind: "ids that grow", lastID: "3"},
		"ids":                                        {kind: "ids", lastID: "0"},
		"ids, no event yet":                          {kind: "ids", lastID: "3"},
		"cursors of pages":                           {kind: "cursors of page", lastID: "0"},
		"cursors of pages, no event yet":             {kind: "cursors of page", lastID: "3"},
		"a backend that forgets":                     {kind: "ids", forgetful: true, within: holding},
		"a backend that forgets and sends its head":  {kind: "ids", forgetful: true, within: heeding, wrap: headers},
		"ids, of which nothing is there any more":    {kind: "ids", lastID: "9", within: holding},
		"the same, by a backend that sends its head": {kind: "ids", lastID: "9", within: heeding, wrap: headers},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				b := newBackend(stubs[test.kind], "one", "two", "three")
				b.hold = 5 * time.Minute
				if test.lastID == "9" {
					b.items = nil
				}
				config, turns := configOf(test.kind, true), new(turns)
				config.Turned, config.Forgetful, config.Notify = turns.turned, test.forgetful, true
				poll := b.poll
				if test.wrap != nil {
					poll = test.wrap(poll)
				}
				f := newFeed(config)
				c := join(t, f, test.lastID, poll)
				pass(3 * time.Second)
				b.down(errUnreachable)
				pass(20 * time.Second)
				b.polls()
				b.down(nil)
				pass(maxBackoff + holding)
				synctest.Wait()
				_, times := b.polls()
				if downs, ups := turns.so(); downs != 1 || len(ups) != 1 || ups[0].Sub(times[0]) > test.within {
					t.Errorf("down %d times, up at %v, and the first poll was at %v", downs, ups, times)
				}
				if !strings.Contains(c.text(), `"up"`) || f.Status().State != Up {
					t.Errorf("state %s, and a client was told %q", f.Status().State, c.text())
				}
				c.leave()
			})
		})
	}
}

// A backend that answers a newcomer alone by news must not keep back what came during the outage.
func TestAQuestionThatIsHeldIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBackend(stubs["ids"], "one", "two", "three")
		b.hold = 5 * time.Minute
		c := join(t, newFeed(configOf("ids", true)), "3", func(ctx context.Context, ask Ask) (page.Page, error) {
			if ask.First {
				ask.Reached(Sent)
				<-ctx.Done()
				return page.Page{}, ctx.Err()
			}
			return b.poll(ctx, ask)
		})
		pass(3 * time.Second)
		b.down(errUnreachable)
		pass(3 * time.Second)
		b.change(func() { b.items, b.fails = append(b.items, "four"), nil })
		pass(maxBackoff + holding)
		synctest.Wait()
		if got := ids(t, c); got != "4" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

// An error that comes late, as that of a page cut short does, is an error.
func TestAnUpstreamThatBreaksItsAnswersOffIsNotUp(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			config, turns := configOf("ids", longPoll), new(turns)
			config.Turned = turns.turned
			b := newBackend(stubs["ids"], "one")
			var broken atomic.Bool
			c := join(t, newFeed(config), "0", func(ctx context.Context, ask Ask) (page.Page, error) {
				if broken.Load() && ask.Reached != nil {
					ask.Reached(Sent)
					ask.Reached(Begun)
				}
				if broken.Load() {
					pass(200 * time.Millisecond)
					return page.Page{}, errors.New("the answer ended after 7 of 9 bytes")
				}
				return b.poll(ctx, ask)
			})
			pass(3 * time.Second)
			broken.Store(true)
			pass(time.Minute)
			if downs, ups := turns.so(); downs != 1 || len(ups) > 0 {
				t.Errorf("long poll %t: down %d times, up %d times", longPoll, downs, len(ups))
			}
			c.leave()
		})
	}
}

// The upstream answers all but the poll from the position.
func TestAFeedIsNotUpAndDownWhileThePositionIsNotAnswered(t *testing.T) {
	for kind, page := range stubs {
		for _, longPoll := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				config, turns := configOf(kind, longPoll), new(turns)
				config.Turned = turns.turned
				b := newBackend(page, "one", "two", "three")
				if longPoll {
					b.hold = 5 * time.Minute
				}
				c := join(t, newFeed(config), "0", b.poll)
				pass(3 * time.Second)
				b.change(func() {
					b.fails = func(since string) error {
						if since == "3" {
							return errOverload
						}
						return nil
					}
				})
				b.polls()
				pass(10 * time.Minute)
				asked, _ := b.polls()
				if downs, ups := turns.so(); downs > 2 || len(ups) > 1 || len(asked) > 150 {
					t.Errorf("%s, long poll %t: down %d times, up %d times, in %d polls", kind, longPoll, downs, len(ups), len(asked))
				}
				b.down(nil)
				b.say("four")
				pass(maxBackoff + 2*holding)
				synctest.Wait()
				if got := texts(t, c); got != "one two three four" {
					t.Errorf("%s, long poll %t: got %q", kind, longPoll, got)
				}
				c.leave()
			})
		}
	}
}
