package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// backend is a legacy backend that can start over: `?since=N` answers with what came after N, and is
// held while there is nothing, if hold is set.
type backend struct {
	reader *page.Reader

	mu      sync.Mutex
	items   []string // the texts of items 1 and on
	trimmed int      // so many of them are forgotten
	limit   int      // items in one answer, the oldest first; 0: all
	tail    int      // items that a newcomer gets; 0: all
	hold    time.Duration
	fails   func(since string) error // nil: no poll does
	wake    chan struct{}
	asked   []string // since of each poll, "new" for those of newcomers
	times   []time.Time
}

// stubs are the kinds of backends whose polls send the cursor.
var stubs = map[string]page.Config{
	"ids that grow":   {ID: mustValue("id"), Order: page.ByID},
	"ids":             {ID: mustValue("id")},
	"cursors of page": {Cursors: []page.Cursor{{Values: []value.Value{mustValue("cursor")}}}},
}

func mustValue(s string) value.Value {
	v, err := value.Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

func newBackend(c page.Config, items ...string) *backend {
	c.Format, c.Data = page.JSON, mustValue("text")
	var err error
	if c.Items, err = value.ParsePath("items"); err != nil {
		panic(err)
	}
	return &backend{reader: page.NewReader(c), items: items, wake: make(chan struct{})}
}

func (b *backend) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
	close(b.wake)
	b.wake = make(chan struct{})
}

func (b *backend) say(items ...string) { b.change(func() { b.items = append(b.items, items...) }) }

// down makes all polls fail, those that are held too; nil is a backend that is back.
func (b *backend) down(err error) {
	b.change(func() {
		b.fails = nil
		if err != nil {
			b.fails = func(string) error { return err }
		}
	})
}

// polls returns what was asked since the last call, and when.
func (b *backend) polls() ([]string, []time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked, times := b.asked, b.times
	b.asked, b.times = nil, nil
	return asked, times
}

func (b *backend) poll(ctx context.Context, ask Ask) (page.Page, error) {
	since, name := 0, "new"
	if !ask.From.Cursor.IsZero() {
		name = ask.From.Cursor[0]
		since, _ = strconv.Atoi(name)
	}
	b.mu.Lock()
	b.asked, b.times = append(b.asked, name), append(b.times, time.Now())
	b.mu.Unlock()
	if ask.Reached != nil {
		ask.Reached(Sent)
	}
	deadline := time.After(b.hold)
	for {
		b.mu.Lock()
		fails, wake := b.fails, b.wake
		body, news := b.answer(since, name == "new")
		b.mu.Unlock()
		if fails != nil {
			if err := fails(name); err != nil {
				return page.Page{}, err
			}
		}
		resp := page.Response{Status: http.StatusOK, Header: http.Header{}, Body: body}
		if news || b.hold == 0 {
			return b.reader.Read(resp, ask.From, nil)
		}
		select {
		case <-wake:
		case <-deadline:
			return b.reader.Read(resp, ask.From, nil)
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
}

func (b *backend) answer(since int, newcomer bool) (body []byte, news bool) {
	if newcomer && b.tail > 0 {
		since = max(len(b.items)-b.tail, 0)
	}
	since = max(since, b.trimmed)
	type item struct {
		ID   int    `json:"id"`
		Text string `json:"text"`
	}
	items := []item{}
	for i := since; i < len(b.items) && (b.limit == 0 || len(items) < b.limit); i++ {
		items = append(items, item{i + 1, b.items[i]})
	}
	body, err := json.Marshal(map[string]any{"items": items, "cursor": since + len(items)})
	if err != nil {
		panic(err)
	}
	return body, len(items) > 0
}

// configOf is that of a feed of such a backend.
func configOf(kind string, longPoll bool) *Config {
	config := testConfig()
	config.ByID, config.LongPoll = kind == "ids that grow", longPoll
	return config
}

// texts are what a client has got, with its resets.
func texts(t *testing.T, c *client) string {
	t.Helper()
	var texts []string
	for _, e := range c.events(t) {
		switch e.Type {
		case "":
			texts = append(texts, e.Data)
		case "bridge.reset":
			texts = append(texts, e.Data[len(`{"reason":"`):len(e.Data)-len(`"}`)])
		}
	}
	return strings.Join(texts, " ")
}

// several returns so many texts.
func several(prefix string, n int) (texts []string) {
	for i := range n {
		texts = append(texts, prefix+strconv.Itoa(i+1))
	}
	return texts
}

func TestWhoHearsOfAnOutageIsToldThatTheUpstreamStartedOver(t *testing.T) {
	for kind, c := range stubs {
		for _, longPoll := range []bool{false, true} {
			for _, count := range []int{0, 1, 2, 3, 4, 8, 60} {
				for _, tail := range []int{0, 2} {
					t.Run(fmt.Sprintf("%s, long poll %t, %d items of the new run, a newcomer gets %d", kind, longPoll, count, tail), func(t *testing.T) {
						bubble(t, func(t *testing.T) { startsOver(t, kind, c, longPoll, count, tail) })
					})
				}
			}
		}
	}
}

func startsOver(t *testing.T, kind string, c page.Config, longPoll bool, count, tail int) {
	b := newBackend(c)
	b.tail = tail
	if kind == "cursors of page" {
		b.limit = 1 // the pages of the new run have the borders of the old one
	}
	if longPoll {
		b.hold = 5 * time.Minute
	}
	client := join(t, newFeed(configOf(kind, longPoll)), "0", b.poll)
	for _, text := range several("old", 3) {
		b.say(text)
		pass(3 * time.Second)
	}
	b.down(errUnreachable)
	pass(10 * time.Second)
	b.change(func() { b.items, b.fails = several("new", count), nil })
	pass(maxBackoff + 4*holding)
	for i := count; i < 10; i++ { // in the end the new run has passed the old one
		b.say("new" + strconv.Itoa(i+1))
		pass(3 * time.Second)
	}
	pass(5 * time.Minute)
	synctest.Wait()
	all := several("new", max(count, 10))
	want := "old1 old2 old3 restarted "
	got := texts(t, client)
	if !strings.HasPrefix(got, want) || strings.Count(got, "restarted") != 1 {
		t.Fatalf("got %q", got)
	}
	// a newcomer's view, from there on without a gap
	rest := strings.TrimPrefix(got, want)
	if whole := strings.Join(all, " "); !strings.HasSuffix(whole, rest) || tail == 0 && rest != whole {
		t.Errorf("after the reset it got %q", rest)
	}
	client.leave()
}

// An upstream that keeps its run has nothing to be told of, whatever it has forgotten meanwhile.
func TestAnUpstreamThatKeepsItsRunIsNeverTakenForOneThatStartedOver(t *testing.T) {
	for name, away := range map[string]func(b *backend){
		"nothing happens": func(*backend) {},
		"news":            func(b *backend) { b.items = append(b.items, several("more", 5)...) },
		"it forgets all but the newest": func(b *backend) {
			b.trimmed = len(b.items) - 1
		},
		"it forgets all":               func(b *backend) { b.trimmed = len(b.items) },
		"it forgets all, and has news": func(b *backend) { b.trimmed, b.items = len(b.items), append(b.items, several("more", 5)...) },
		"one item is edited":           func(b *backend) { b.items[8] = "edited" },
	} {
		for kind, c := range stubs {
			for _, longPoll := range []bool{false, true} {
				for _, limit := range []int{0, 3} {
					t.Run(fmt.Sprintf("%s, %s, long poll %t, %d in an answer", name, kind, longPoll, limit), func(t *testing.T) {
						bubble(t, func(t *testing.T) {
							b := newBackend(c, several("old", 9)...)
							b.limit = limit
							if longPoll {
								b.hold = time.Minute
							}
							client := join(t, newFeed(configOf(kind, longPoll)), "0", b.poll)
							pass(10 * time.Second)
							b.down(errUnreachable)
							pass(10 * time.Second)
							b.change(func() { away(b); b.fails = nil })
							pass(maxBackoff + 4*holding)
							b.say("end")
							pass(20 * time.Second)
							synctest.Wait()
							b.mu.Lock()
							want := strings.Join(append(several("old", 9), b.items[9:]...), " ")
							b.mu.Unlock()
							if got := texts(t, client); got != want {
								t.Errorf("got %q, want %q", got, want)
							}
							client.leave()
						})
					})
				}
			}
		}
	}
}

func TestAfterAnOutageOnePollOfAFeedAsksForWhatCameLast(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			b := newBackend(stubs["ids that grow"], several("item ", 9)...)
			if longPoll {
				b.hold = 5 * time.Minute
			}
			f := newFeed(configOf("ids that grow", longPoll))
			clients := []*client{join(t, f, "0", b.poll), join(t, f, "3", b.poll)}
			pass(10 * time.Second)
			b.down(errUnreachable)
			pass(10 * time.Second)
			b.polls()
			b.down(nil)
			pass(maxBackoff)
			asked, times := b.polls()
			if len(asked) < 2 || asked[0] != "6" || asked[1] != "9" || times[0] != times[1] {
				t.Errorf("long poll %t: asked from %q, want from 6, before the last three items, and at once from 9", longPoll, asked)
			}
			for _, c := range clients {
				c.leave()
			}
		})
	}
}

// A backend that asks for another time is there.
func TestAnAnswerThatSaysLaterIsNoOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBackend(stubs["ids that grow"], "item")
		c := join(t, newFeed(configOf("ids that grow", false)), "0", b.poll)
		pass(3 * time.Second)
		b.down(&page.Error{Status: http.StatusTooManyRequests, Comment: "status 429", Later: true, Err: errOverload.Err})
		pass(10 * time.Second)
		b.polls()
		b.down(nil)
		pass(maxBackoff)
		if asked, _ := b.polls(); strings.Trim(strings.Join(asked, ""), "1") != "" {
			t.Errorf("asked from %q, not from the position alone", asked)
		}
		c.leave()
	})
}

// To poll such an upstream is to acknowledge.
func TestAForgetfulUpstreamIsAskedFromThePositionAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBackend(stubs["ids that grow"], "item")
		b.hold = time.Minute
		config := configOf("ids that grow", true)
		config.Forgetful = true
		c := join(t, newFeed(config), "", b.poll)
		pass(3 * time.Second)
		b.polls()
		b.down(errUnreachable)
		pass(10 * time.Second)
		b.down(nil)
		pass(maxBackoff)
		if asked, _ := b.polls(); strings.Trim(strings.Join(asked, ""), "1") != "" {
			t.Errorf("asked from %q, not from the position alone", asked)
		}
		c.leave()
	})
}

// An upstream may take back what is older than the position, and know the position itself.
// What a newcomer gets says the least: here, the oldest items.
func TestAfterAQuestionThatIsRefusedTheNextOneIsAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBackend(stubs["ids that grow"])
		b.limit = 10
		b.say(several("old", 14)...)
		c := join(t, newFeed(configOf("ids that grow", false)), "", b.poll)
		pass(10 * time.Second)
		b.down(errUnreachable)
		pass(10 * time.Second)
		b.change(func() {
			b.fails = func(name string) error {
				if name == "11" {
					return &page.Refusal{Status: http.StatusNotFound}
				}
				return nil
			}
		})
		pass(maxBackoff)
		b.say("more")
		pass(10 * time.Second)
		synctest.Wait()
		if got, want := texts(t, c), strings.Join(several("old", 14), " ")+" more"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c.leave()
	})
}

func TestACheckThatTheUpstreamDoesNotAnswerKeepsNobodyFromGoingOn(t *testing.T) {
	for _, answer := range []error{
		&page.Refusal{Status: http.StatusGone}, &page.Refusal{Status: http.StatusNotFound}, &page.Refusal{Status: http.StatusUnauthorized}, errOverload,
	} {
		for kind, c := range stubs {
			for _, longPoll := range []bool{false, true} {
				bubble(t, func(t *testing.T) {
					b := newBackend(c, several("item ", 9)...)
					if longPoll {
						b.hold = time.Minute
					}
					client := join(t, newFeed(configOf(kind, longPoll)), "0", b.poll)
					pass(10 * time.Second)
					b.down(errUnreachable)
					pass(5 * time.Second)
					b.change(func() {
						b.fails = func(since string) error {
							if since != "new" && since < "9" && len(since) == 1 {
								return answer
							}
							return nil
						}
					})
					if pass(maxBackoff); answer == errOverload { // three of which could be the upstream's own
						pass(4 * maxBackoff)
					}
					b.say("more")
					pass(5 * time.Second)
					synctest.Wait()
					if got := ids(t, client); got != "1 2 3 4 5 6 7 8 9 10" && kind != "cursors of page" || strings.Contains(got, "reset") || !strings.HasSuffix(got, "10") {
						t.Errorf("%v, %s, long poll %t: got %q", answer, kind, longPoll, got)
					}
					client.leave()
				})
			}
		}
	}
}

// Its whole history may be too much, or too slow.
func TestAnUpstreamThatAnswersNoNewcomerIsReadOnFromThePosition(t *testing.T) {
	for _, answer := range []error{&page.Refusal{Status: http.StatusBadRequest}, errOverload, errUnreachable} {
		for kind, c := range stubs {
			for _, lastID := range []string{"0", "9"} {
				for _, longPoll := range []bool{false, true} {
					bubble(t, func(t *testing.T) {
						b := newBackend(c, several("item ", 9)...)
						if longPoll {
							b.hold = time.Minute
						}
						config, turns := configOf(kind, longPoll), new(turns)
						config.Turned = turns.turned
						client := join(t, newFeed(config), lastID, b.poll)
						pass(10 * time.Second)
						b.down(errUnreachable)
						pass(5 * time.Second)
						b.change(func() {
							b.trimmed = 9 // so that it has no other answer either
							b.fails = func(since string) error {
								if since == "new" {
									return answer
								}
								return nil
							}
						})
						pass(8 * maxBackoff) // waits are random
						b.say("more")
						pass(5 * time.Second)
						synctest.Wait()
						if got := texts(t, client); !strings.HasSuffix(got, "more") || strings.Contains(got, "restarted") {
							t.Errorf("%v, %s, long poll %t, from %s: got %q", answer, kind, longPoll, lastID, got)
						}
						if downs, ups := turns.so(); downs > 2 || downs != len(ups) {
							t.Errorf("%v, %s, long poll %t, from %s: down %d times, up %d times", answer, kind, longPoll, lastID, downs, len(ups))
						}
						client.leave()
					})
				}
			}
		}
	}
}
