package feed

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

func TestClientsAreToldOfAnOutageOnce(t *testing.T) {
	for _, document := range []bool{false, true} {
		for _, notify := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				config.Document, config.Notify = document, notify
				u := newUpstream()
				u.publish(1)
				f := newFeed(config)
				poll := func(ctx context.Context, ask Ask) (page.Page, error) {
					p, err := u.poll(ctx, ask)
					if document && len(p.Events) > 0 {
						p.Events = p.Events[len(p.Events)-1:]
					}
					return p, err
				}
				a := join(t, f, "", poll)
				pass(time.Second)
				u.setFail(errOverload)
				pass(20 * time.Second)
				late := join(t, f, "", poll)
				synctest.Wait()
				down := ": status 503\n\n"
				if notify {
					down += "event: bridge.upstream\ndata: {\"state\":\"down\",\"reason\":\"status 503\"}\n\n"
				}
				if got := late.text(); got != down {
					t.Errorf("who comes during the outage got %q at once", got)
				}
				u.setFail(errUnreachable) // it is still down
				pass(40 * time.Second)
				u.setFail(nil)
				u.publish(1)
				pass(maxBackoff + time.Second)
				synctest.Wait()
				up := "event: bridge.upstream\ndata: {\"state\":\"up\"}\n\n"
				for name, c := range map[string]*client{"who was there": a, "who came": late} {
					text := c.text()
					downs, ups := strings.Count(text, `"down"`), strings.Count(text, up)
					want := 0
					if notify {
						want = 1
					}
					if downs != want || ups != want || strings.Count(text, ": upstream unreachable\n") != 1 {
						t.Errorf("document %t, notify %t: %s was told %q", document, notify, name, text)
					}
					if notify && strings.LastIndex(text, "data: item") < strings.Index(text, up) {
						t.Errorf("document %t: %s got events before it heard that the upstream is back: %q", document, name, text)
					}
					c.leave()
				}
			})
		}
	}
}

func TestALifetimeDoesNotWaitForWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(3)
		f := newFeed(testConfig())
		r := f.Join("", Start{Poll: u.poll})
		synctest.Wait()
		r.Stop(Lifetime)
		_, err := r.Next()
		if end := (*End)(nil); !errors.As(err, &end) || end.Reason != Lifetime {
			t.Errorf("got %v", err)
		}
		r.Close()
	})
}

func TestWhoIsSentAwayWithoutAnEventComesBackToItsPlace(t *testing.T) {
	for _, reason := range []Reason{Lifetime, Stopping} {
		bubble(t, func(t *testing.T) {
			u := newUpstream()
			u.publish(3)
			poll := func(ctx context.Context, ask Ask) (page.Page, error) {
				p, err := u.poll(ctx, ask)
				if ask.First { // it begins with what comes next
					p.Events = nil
				}
				return p, err
			}
			f := newFeed(testConfig())
			c := join(t, f, "", poll)
			pass(time.Second)
			c.reader.Stop(reason)
			<-c.done
			pass(10 * time.Second)
			u.publish(1)
			id := ""
			if got := c.events(t); len(got) > 0 {
				id = got[0].LastEventID
			}
			back := join(t, newFeed(testConfig()), id, poll)
			pass(time.Second)
			u.publish(1)
			pass(5 * time.Second)
			if got := ids(t, back); got != "4 5" {
				t.Errorf("%s: got %q after the id %q, want 4 and 5", reason, got, id)
			}
			back.leave()
		})
	}
}
