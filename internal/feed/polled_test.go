package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

func TestEachPollSaysWhenTheNextOneFollowsAndWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var told []string
		config := testConfig()
		config.MaxInterval = 4 * time.Second
		config.Polled = func(p Polled) {
			wait := p.Wait.String()
			if p.Why == Backoff {
				wait = "some time" // it is random
			}
			told = append(told, fmt.Sprintf("%t %s: %s %s from %s", p.News, p.Err, wait, p.Why, p.Next.From.ID()))
		}
		u := newUpstream()
		u.publish(3)
		u.most = 2
		polls := 0
		c := join(t, newFeed(config), "", func(ctx context.Context, ask Ask) (page.Page, error) {
			answered, err := u.poll(ctx, ask)
			switch polls++; polls {
			case 1:
				answered.More = true
			case 3:
				answered.Wait = 7 * time.Second
			case 6:
				err = errors.New("away")
			case 8: // after one that only finds out whether the upstream has started over
				answered.End = true
			}
			return answered, err
		})
		pass(time.Minute)
		synctest.Wait()
		want := []string{
			"true %!s(<nil>): 0s at_once from 2",
			"true %!s(<nil>): 2s interval from 3",
			"false %!s(<nil>): 7s asked_to from 3",
			"false %!s(<nil>): 4s no_news from 3",
			"false %!s(<nil>): 4s no_news from 3",
			"false away: some time backoff from 3",
			"false %!s(<nil>): 0s at_once from 3",
			"false %!s(<nil>): 4s no_news from 3",
		}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("got\n%q\nwant\n%q", told, want)
		}
		c.leave()
	})
}

func TestARefusalIsTheLastPoll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var last Polled
		config := testConfig()
		config.Polled = func(p Polled) { last = p }
		c := join(t, newFeed(config), "", func(context.Context, Ask) (page.Page, error) {
			return page.Page{}, &page.Refusal{Status: http.StatusUnauthorized}
		})
		pass(time.Second)
		synctest.Wait()
		if !last.Over || last.Err == nil {
			t.Errorf("got %+v", last)
		}
		c.leave()
	})
}
