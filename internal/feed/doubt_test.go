package feed

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// A newcomer to such an upstream gets its oldest items, far below the position.
func TestAnIDAtTheEndOfAnUpstreamThatPagesFromItsOldestGoesOn(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			b := newBackend(stubs["ids that grow"], several("item ", 100)...)
			b.limit = 30
			if longPoll {
				b.hold = time.Minute
			}
			c := join(t, newFeed(configOf("ids that grow", longPoll)), "100", b.poll)
			pass(2 * time.Minute)
			if asked, _ := b.polls(); strings.Contains(strings.Join(asked, " "), "new") {
				t.Errorf("long poll %t: asked for all there is: %q", longPoll, asked)
			}
			b.down(errUnreachable)
			pass(10 * time.Second)
			b.down(nil)
			pass(maxBackoff)
			b.say("more")
			pass(3 * time.Second)
			synctest.Wait()
			if got := ids(t, c); got != "101" {
				t.Errorf("long poll %t: got %.60q", longPoll, got)
			}
			c.leave()
		})
	}
}

// Such an id looks like one after which nothing has come.
func TestAnIDOfAnOldRunIsFoundOutByItsNumber(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			b := newBackend(stubs["ids that grow"], several("new", 5)...)
			if longPoll {
				b.hold = time.Minute
			}
			c := join(t, newFeed(configOf("ids that grow", longPoll)), "100", b.poll)
			pass(b.hold + 2*holding)
			synctest.Wait()
			if got := texts(t, c); got != "restarted new1 new2 new3 new4 new5" {
				t.Errorf("long poll %t: got %q", longPoll, got)
			}
			c.leave()
		})
	}
}

// An upstream that fails in one way and then in another one says nothing of the position.
func TestOnlyAFailureOfTheSameKindIsBlamedOnThePosition(t *testing.T) {
	gone := &page.Refusal{Status: http.StatusNotFound}
	for _, test := range []struct {
		name     string
		failures []error // of the polls from the position, one after another
		want     string
	}{
		{"another kind", []error{gone, errOverload}, "4 5"},
		{"no answer", []error{gone, errUnreachable}, "4 5"},
		{"another refusal", []error{gone, &page.Refusal{Status: http.StatusBadRequest}}, "4 5"},
		{"another kind again and again", []error{gone, errOverload, gone, errUnreachable, gone, errOverload}, "4 5"},
		{"later", []error{gone, &page.Error{Status: 429, Comment: "status 429", Later: true, Err: errOverload.Err}}, "4 5"},
		{"the same kind", []error{gone, gone}, "bridge.reset 1 2 3 4 5"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newUpstream()
				u.publish(3)
				failures := test.failures
				c := join(t, newFeed(testConfig()), "3", func(ctx context.Context, ask Ask) (page.Page, error) {
					if !ask.First && len(failures) > 0 {
						err := failures[0]
						failures = failures[1:]
						return page.Page{}, err
					}
					return u.poll(ctx, ask)
				})
				pass(3 * maxBackoff)
				u.publish(2)
				pass(5 * time.Second)
				synctest.Wait()
				if got := ids(t, c); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				c.leave()
			})
		})
	}
}

// The backend was away when the client came, so that each poll has failed in that way before.
func TestABackendThatFailsOnceMoreWhenItIsBackResetsNobody(t *testing.T) {
	for i := range 80 { // waits are random, and so is what is asked first
		last := []error{errUnreachable, errOverload}[i%2]
		bubble(t, func(t *testing.T) {
			u := newUpstream()
			u.publish(9)
			u.setFail(last)
			failed := false
			poll := func(ctx context.Context, ask Ask) (page.Page, error) {
				u.mu.Lock()
				away := u.fail != nil
				u.mu.Unlock()
				if !away && !ask.First && !failed {
					failed = true
					return page.Page{}, last
				}
				return u.poll(ctx, ask)
			}
			c := join(t, newFeed(testConfig()), "5", poll)
			pass(time.Duration(i/4) * time.Second)
			u.setFail(nil)
			pass(4 * maxBackoff)
			synctest.Wait()
			if got := ids(t, c); got != "6 7 8 9" {
				t.Errorf("%v: got %q", last, got)
			}
			c.leave()
		})
	}
}
