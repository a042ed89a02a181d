package feed

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
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
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		u.publish(3)
		pass(3 * time.Second)
		if !r.Pending() {
			t.Error("nothing is left")
		}
		r.Stop(Lifetime)
		_, err := r.Next()
		if end := (*End)(nil); !errors.As(err, &end) || end.Reason != Lifetime {
			t.Errorf("got %v", err)
		}
		r.Close()
	})
}

// signs is an upstream of numbered items, whose newcomers begin with what comes next.
type signs struct {
	mu        sync.Mutex
	published int
	reset     bool
}

func (u *signs) publish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.published++
}

func (u *signs) startOver() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reset = true
}

func (u *signs) poll(_ context.Context, ask Ask) (page.Page, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	from, first := u.published, ask.From.Cursor.IsZero()
	switch {
	case !first && u.reset:
		u.reset = false
		return page.Page{Reset: true, Next: ask.From}, nil
	case !first:
		from, _ = strconv.Atoi(ask.From.Cursor[0][1:])
	}
	at := func(n int) position.Position {
		return position.Position{Cursor: position.Cursor{"c" + strconv.Itoa(n)}}
	}
	p := page.Page{News: first || from < u.published, Empty: from == u.published, Next: at(u.published)}
	for n := from + 1; n <= u.published; n++ {
		p.Events = append(p.Events, page.Event{Data: []byte(strconv.Itoa(n)), At: at(n)})
	}
	return p, nil
}

// A reset has no id.
func TestWhoIsSentAwayAfterAResetComesBackToItsPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := new(signs)
		f := newFeed(testConfig())
		c := join(t, f, "", u.poll)
		pass(5 * time.Second)
		u.startOver()
		pass(5 * time.Second)
		c.reader.Stop(Lifetime)
		<-c.done
		got := c.events(t)
		if len(got) != 2 || got[0].Type != "bridge.reset" {
			t.Fatalf("it got %q", c.text())
		}
		u.publish()
		pass(3 * time.Second)
		back := join(t, f, got[1].LastEventID, u.poll)
		pass(20 * time.Second)
		if said := texts(t, back); said != "1" {
			t.Errorf("got %q after %q", said, c.text())
		}
		back.leave()
	})
}

// The id that it had is of no use since the reset: the upstream may have given it to another item by the time it comes back.
func TestAClientThatGotAResetDoesNotComeBackWithAnIDOfBefore(t *testing.T) {
	for _, reason := range []Reason{Lifetime, Stopping} {
		for name, lastID := range map[string]string{"of an event": "", "that it came with": "c0"} {
			bubble(t, func(t *testing.T) {
				u := new(signs)
				c := join(t, newFeed(testConfig()), lastID, u.poll)
				pass(time.Second)
				if lastID == "" {
					u.publish()
				}
				pass(5 * time.Second)
				u.startOver()
				pass(5 * time.Second)
				c.reader.Stop(reason)
				<-c.done
				want := string(ordered.event(new(Counters))) + string(positionEvent("c"+strconv.Itoa(u.published)))
				if !strings.HasSuffix(c.text(), want) {
					t.Errorf("%s, an id %s: got %q", reason, name, c.text())
				}
			})
		}
	}
}

// allThatIsLeft returns what a reader still gets whose end is there.
func allThatIsLeft(r *Reader) string {
	var got strings.Builder
	for {
		text, err := r.Next()
		if err != nil {
			return got.String()
		}
		got.Write(text)
	}
}

// What is left comes by the client's next request, but nobody tells it of the reset then.
func TestAResetStillComesWhenALifetimeIsOver(t *testing.T) {
	for _, lastID := range []string{"", "c1"} {
		bubble(t, func(t *testing.T) {
			u := &signs{published: 1}
			f := newFeed(testConfig())
			r, other := f.Join(lastID, Start{Poll: u.poll}), join(t, f, "", u.poll)
			pass(time.Second)
			u.publish()
			pass(5 * time.Second)
			if lastID == "" {
				if text, err := r.Next(); err != nil || !strings.Contains(string(text), "id: c2") {
					t.Fatalf("got %q and %v", text, err)
				}
			}
			u.startOver()
			pass(5 * time.Second)
			u.publish()
			pass(5 * time.Second)
			u.publish()
			pass(5 * time.Second)
			r.Stop(Lifetime)
			got := allThatIsLeft(r)
			want := string(ordered.event(new(Counters))) + string(positionEvent("c2"))
			if lastID != "" {
				want = "data: 2\nid: c2\n\n" + want
			}
			if got != want {
				t.Errorf("after the id %q, got %q", lastID, got)
			}
			other.leave()
			r.Close()
		})
	}
}

// Clients have an id of before it, with which they would come back if the network cuts them off.
func TestAPositionFollowsAResetAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &signs{published: 3}
		c := join(t, newFeed(testConfig()), "c2", u.poll)
		pass(5 * time.Second)
		u.startOver()
		pass(5 * time.Second)
		if got := ids(t, c); got != "c3 bridge.reset bridge.position" {
			t.Errorf("got %q", got)
		}
		pass(10 * time.Minute) // in which nothing moves
		u.publish()
		pass(time.Minute)
		if got := ids(t, c); got != "c3 bridge.reset bridge.position c4" {
			t.Errorf("later, got %q", got)
		}
		c.leave()
	})
}

// Without the id of that event, it would come back as a newcomer.
func TestTheFirstEventOfANewcomerStillComesWhenItsLifetimeIsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := new(signs)
		f := newFeed(testConfig())
		r := f.Join("", Start{Poll: u.poll})
		pass(time.Second)
		if text, _, err := r.TryNext(); text != nil || err != nil {
			t.Fatalf("got %q and %v before there was anything", text, err)
		}
		u.publish()
		pass(3 * time.Second)
		r.Stop(Lifetime)
		text, err := r.Next()
		if err != nil || string(text) != "data: 1\nid: c1\n\n" {
			t.Errorf("got %q and %v", text, err)
		}
		if _, err = r.Next(); err == nil {
			t.Error("the stream goes on")
		}
		r.Close()
	})
}

func TestAReaderThatWasTooSlowForANewStartIsGivenItsPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Replay = 1
		u := new(signs)
		f := newFeed(config)
		r, other := f.Join("", Start{Poll: u.poll}), join(t, f, "", u.poll)
		pass(time.Second)
		_, _, _ = r.TryNext() // to its place
		u.startOver()
		pass(5 * time.Second)
		if text, err := r.Next(); !strings.Contains(string(text), "bridge.reset") {
			t.Fatalf("got %q and %v", text, err)
		}
		for _, step := range []func(){u.publish, u.publish, u.startOver} {
			step()
			pass(5 * time.Second)
		}
		r.Stop(Lifetime)
		got := allThatIsLeft(r)
		if !strings.Contains(got, "bridge.reset") || !strings.HasSuffix(got, string(positionEvent("c2"))) {
			t.Errorf("got %q", got)
		}
		other.leave()
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
