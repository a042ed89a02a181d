package feed

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
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
