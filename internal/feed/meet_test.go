package feed

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// sparse is an upstream of numbered pages, of which every fifth has an item with the page's number.
type sparse struct {
	pages   int
	ignored bool // the others have an item that is ignored
	more    bool // answers say whether there are more
	tokens  bool // each answer has a cursor of its own
}

func (u sparse) reader(t *testing.T) *page.Reader {
	t.Helper()
	cursor, err := value.Parse("next")
	if err != nil {
		t.Fatal(err)
	}
	items, err := value.ParsePath("items")
	if err != nil {
		t.Fatal(err)
	}
	data, err := value.Parse("page")
	if err != nil {
		t.Fatal(err)
	}
	config := page.Config{Format: page.JSON, Items: items, Data: data, Cursors: []page.Cursor{{Values: []value.Value{cursor}}}}
	for field, conditions := range map[string]*[]value.Condition{"skip": &config.Ignore, "more": &config.More} {
		c, err := value.ParseCondition([]string{field})
		if err != nil {
			t.Fatal(err)
		}
		*conditions = []value.Condition{c}
	}
	if !u.more {
		config.More = nil
	}
	return page.NewReader(config)
}

func (u sparse) poll(reader *page.Reader) Poll {
	var serial atomic.Int64
	return func(_ context.Context, ask Ask) (page.Page, error) {
		at := u.pages
		if !ask.From.Cursor.IsZero() {
			text, _, _ := strings.Cut(ask.From.Cursor[0], "@")
			at, _ = strconv.Atoi(text)
		}
		items := []map[string]any{}
		if at < u.pages {
			at++
			switch {
			case at%5 == 4:
				items = append(items, map[string]any{"page": at})
			case u.ignored:
				items = append(items, map[string]any{"page": at, "skip": true})
			}
		}
		next := strconv.Itoa(at)
		if u.tokens {
			next += "@" + strconv.FormatInt(serial.Add(1), 10)
		}
		body, err := json.Marshal(map[string]any{"items": items, "next": next, "more": at < u.pages})
		if err != nil {
			return page.Page{}, err
		}
		return reader.Read(page.Response{Status: http.StatusOK, Header: http.Header{}, Body: body}, ask.From, nil)
	}
}

func TestAClientThatComesBackAmongEmptyPagesGetsEveryItemAfterIt(t *testing.T) {
	for name, u := range map[string]sparse{
		"empty pages":                      {pages: 200},
		"with more":                        {pages: 200, more: true},
		"with ignored items":               {pages: 200, ignored: true},
		"with tokens":                      {pages: 200, tokens: true},
		"with tokens and more":             {pages: 200, tokens: true, more: true},
		"with tokens and ignored items":    {pages: 200, tokens: true, ignored: true},
		"with all of these":                {pages: 200, tokens: true, ignored: true, more: true},
		"ignored items with more, indexed": {pages: 200, ignored: true, more: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				config := testConfig()
				config.Interval = 100 * time.Millisecond
				reader := u.reader(t)
				config.Tokens = reader.Tokens()
				f := newFeed(config)
				head := join(t, f, "190", u.poll(reader))
				back := join(t, f, "150", u.poll(reader))
				pass(time.Minute)
				synctest.Wait()
				var got []string
				for _, e := range back.events(t) {
					if e.Type != "bridge.position" {
						got = append(got, e.Data)
					}
				}
				if all := strings.Join(got, " "); all != "154 159 164 169 174 179 184 189 194 199" {
					t.Errorf("after 150 came %q", all)
				}
				back.leave()
				head.leave()
			})
		})
	}
}

// The client has been on another node, which has polled since.
func TestAClientThatIsAheadOfAQuietChainIsNotSentBack(t *testing.T) {
	for _, tokens := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			config := testConfig()
			config.Interval, config.Tokens = 200*time.Millisecond, tokens
			u := newUpstream()
			u.publish(5)
			f := newFeed(config)
			stay := join(t, f, "", u.poll)
			pass(time.Second)
			// between two polls of the chain that is here
			pass(50 * time.Millisecond)
			u.publish(4)
			hopped := join(t, f, "9", u.poll)
			pass(time.Second)
			u.publish(1)
			pass(time.Second)
			synctest.Wait()
			if got := ids(t, hopped); got != "10" {
				t.Errorf("tokens %t: a client that has seen 9 got %q", tokens, got)
			}
			if got := ids(t, stay); got != "1 2 3 4 5 6 7 8 9 10" {
				t.Errorf("tokens %t: the one that stayed got %q", tokens, got)
			}
			hopped.leave()
			stay.leave()
		})
	}
}

// Where each answer has a cursor of its own, none of them shows the end, so that chains stay apart until
// others need them.
func TestChainsThatCannotMeetMakeRoomWithAWord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains, config.Tokens = 2, true
		u := sparse{pages: 200, tokens: true}
		poll := u.poll(u.reader(t))
		f := newFeed(config)
		oldest := join(t, f, "", poll)
		pass(time.Second)
		younger := join(t, f, "200@2", poll)
		pass(time.Second)
		waits := join(t, f, "195@3", poll)
		pass(3 * time.Minute)
		synctest.Wait()
		if strings.Contains(oldest.text(), "bridge.reset") {
			t.Error("the oldest chain has started over")
		}
		if !strings.Contains(younger.text(), `{"reason":"yielded"}`) {
			t.Errorf("the younger one has got %q", younger.text())
		}
		if !strings.Contains(waits.text(), "data: 199\n") {
			t.Errorf("the one that waited got %q", waits.text())
		}
		for _, c := range []*client{oldest, younger, waits} {
			c.leave()
		}
	})
}

// The upstream finds nothing behind a place that it has not come to, as it does at its end.
func TestNobodyIsSentToAPlaceThatOnlyAClientHasNamed(t *testing.T) {
	for _, longPoll := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			config := testConfig()
			config.Tokens, config.LongPoll = true, longPoll
			u := newUpstream()
			u.publish(5)
			if longPoll {
				u.hold = 25 * time.Second
			}
			f := newFeed(config)
			stranger := join(t, f, "999999", u.poll)
			pass(10 * time.Second)
			newcomer := join(t, f, "", u.poll)
			back := join(t, f, "3", u.poll)
			pass(time.Minute)
			u.publish(1)
			pass(time.Minute)
			synctest.Wait()
			if got := ids(t, newcomer); got != "1 2 3 4 5 6" {
				t.Errorf("a newcomer got %q", got)
			}
			if got := ids(t, back); got != "4 5 6" {
				t.Errorf("who came back from 3 got %q", got)
			}
			for _, c := range []*client{stranger, newcomer, back} {
				c.leave()
			}
		})
	}
}

func TestPlacesThatOnlyClientsHaveNamedMakeRoomForOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Tokens, config.Chains = true, 3
		u := newUpstream()
		u.publish(5)
		f := newFeed(config)
		var clients []*client
		for _, id := range []string{"999999", "888888", "777777", "4", ""} {
			clients = append(clients, join(t, f, id, u.poll))
			pass(time.Second)
		}
		pass(3 * time.Minute)
		u.publish(1)
		pass(time.Minute)
		synctest.Wait()
		if got := ids(t, clients[3]); got != "5 6" {
			t.Errorf("who came back from 4 got %q", got)
		}
		if got := ids(t, clients[4]); got != "1 2 3 4 5 6" {
			t.Errorf("a newcomer got %q", got)
		}
		for _, c := range clients {
			c.leave()
		}
	})
}

func TestAChainThatHasEndedIsReachableFromNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// what it was asked, which is a part of the chain, is not kept
		poll := func(_ context.Context, ask Ask) (page.Page, error) {
			return page.Page{Next: ask.From, Empty: true}, nil
		}
		f := newFeed(testConfig())
		stay := join(t, f, "50", poll)
		var ended []weak.Pointer[chain]
		for i := range 20 {
			pass(3 * time.Second)
			c := join(t, f, strconv.Itoa(100+i), poll) // made up: it meets nothing
			synctest.Wait()
			f.mu.Lock()
			ended = append(ended, weak.Make(f.chains[len(f.chains)-1]))
			f.mu.Unlock()
			c.leave()
			pass(10 * time.Second)
		}
		synctest.Wait()
		for range 3 {
			runtime.GC()
		}
		reachable := 0
		for _, c := range ended {
			if c.Value() != nil {
				reachable++
			}
		}
		if reachable > 0 {
			t.Errorf("%d of %d chains that have ended can still be reached", reachable, len(ended))
		}
		stay.leave()
	})
}

// The poll that is under way may be held for an hour, and no other is made meanwhile.
func TestANewcomersChainThatHasEndedIsReachableFromNothingWhileAPollIsHeld(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			if !ask.First {
				<-ctx.Done()
				return page.Page{}, ctx.Err()
			}
			at := position.Position{Cursor: position.Cursor{strconv.FormatInt(time.Now().UnixNano(), 10)}}
			return page.Page{News: true, Events: []page.Event{{Data: []byte("x"), At: at}}, Next: at}, nil
		}
		f := newFeed(config)
		stay := join(t, f, "50", poll)
		pass(time.Second)
		var ended []weak.Pointer[chain]
		for i := range 5 {
			c := joinAs(t, f, "", Start{Key: strconv.Itoa(i), Poll: poll})
			synctest.Wait()
			f.mu.Lock()
			ended = append(ended, weak.Make(f.chains[len(f.chains)-1]))
			f.mu.Unlock()
			c.leave()
		}
		pass(10 * time.Second)
		synctest.Wait()
		for range 3 {
			runtime.GC()
		}
		for i, c := range ended {
			if c.Value() != nil {
				t.Errorf("chain %d of %d that have ended can still be reached", i+1, len(ended))
			}
		}
		stay.leave()
	})
}

func TestANewcomerOverTheBoundOfChainsSharesTheLastAnswerToOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains, config.Tokens = 2, true
		u := sparse{pages: 199, tokens: true}
		ask := u.poll(u.reader(t))
		var firsts atomic.Int64
		poll := func(ctx context.Context, a Ask) (page.Page, error) {
			if a.First {
				firsts.Add(1)
			}
			return ask(ctx, a)
		}
		f := newFeed(config)
		var clients []*client
		for range 4 {
			clients = append(clients, join(t, f, "", poll))
			pass(5 * time.Second)
		}
		if n := firsts.Load(); n != 2 {
			t.Errorf("%d first polls for two chains", n)
		}
		f.mu.Lock()
		waiting := len(f.lobby.waiting)
		f.mu.Unlock()
		if waiting > 0 {
			t.Errorf("%d newcomers wait", waiting)
		}
		for _, c := range clients {
			c.leave()
		}
	})
}

// The newcomer's poll is answered by a backend that has started over, before the polls of the others
// have found that out.
func TestANewcomerGetsNothingOfWhatABackendSaidBeforeItStartedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.ByID = true
		var run, last atomic.Int64
		run.Store(1)
		last.Store(18)
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			since := 0
			if !ask.From.Cursor.IsZero() {
				since, _ = strconv.Atoi(ask.From.Cursor[0])
				if run.Load() > 1 {
					<-ctx.Done() // it hangs
					return page.Page{}, ctx.Err()
				}
			}
			p := page.Page{Next: ask.From, Empty: true}
			for n := since + 1; n <= int(last.Load()); n++ {
				id := strconv.Itoa(n)
				p.Next = position.Position{Cursor: position.Cursor{id}}
				p.Events = append(p.Events, page.Event{Data: fmt.Appendf(nil, "run %d: %d", run.Load(), n), At: p.Next, Key: id})
				p.News, p.Empty = true, false
			}
			return p, nil
		}
		f := newFeed(config)
		stay := join(t, f, "", poll)
		pass(time.Second)
		run.Store(2)
		last.Store(12)
		pass(5 * time.Second)
		late := join(t, f, "", poll)
		pass(3 * time.Second)
		synctest.Wait()
		if text := late.text(); strings.Contains(text, "run 1") || !strings.Contains(text, "run 2: 12") {
			t.Errorf("a newcomer got %q", text)
		}
		late.leave()
		stay.leave()
	})
}

// times is an upstream whose answers have all items from a time on, oldest first; those of one time are in the order
// of their ids.
type times struct {
	mu     sync.Mutex
	items  []timedItem
	reader *page.Reader
}

type timedItem struct {
	ID string `json:"id"`
	T  int    `json:"t"`
}

func newTimes() *times {
	return &times{reader: page.NewReader(page.Config{
		Format: page.JSON, ID: path("id"), Order: page.Overlap, Data: path("id"),
		Cursors: []page.Cursor{{Values: []value.Value{path("{sse.item.t}")}}},
	})}
}

func (u *times) put(id string, at int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.items = append(u.items, timedItem{id, at})
	slices.SortFunc(u.items, func(a, b timedItem) int { return cmp.Or(cmp.Compare(a.T, b.T), cmp.Compare(a.ID, b.ID)) })
}

func (u *times) poll(_ context.Context, ask Ask) (page.Page, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	least := 0
	if !ask.From.Cursor.IsZero() {
		least, _ = strconv.Atoi(ask.From.Cursor[0])
	}
	list := slices.DeleteFunc(slices.Clone(u.items), func(it timedItem) bool { return it.T < least })
	body, err := json.Marshal(list)
	if err != nil {
		return page.Page{}, err
	}
	return u.reader.ReadOn(page.Response{Status: http.StatusOK, Header: http.Header{}, Body: body}, ask.From, ask.Carry, nil)
}

// idAfter returns the id of a client that has got what was there at another node after an id.
func (u *times) idAfter(t *testing.T, id string) string {
	t.Helper()
	from, err := position.Parse(id, len(u.reader.Cursors()))
	if id == "" {
		from, err = position.Position{}, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := u.poll(t.Context(), Ask{From: from})
	if err != nil {
		t.Fatal(err)
	}
	return p.Next.ID()
}

func (u *times) config() *Config {
	config := testConfig()
	config.Cursors, config.Tokens = len(u.reader.Cursors()), u.reader.Tokens()
	return config
}

func TestAClientFromAnotherNodeGetsNoItemOfOneTimeTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newTimes()
		u.put("x", 1)
		f := newFeed(u.config())
		a := join(t, f, "", u.poll)
		pass(300 * time.Millisecond)
		u.put("y", 2)
		c := join(t, f, u.idAfter(t, ""), u.poll)
		pass(300 * time.Millisecond)
		u.put("w", 2)
		pass(20 * time.Second)
		u.put("z", 3)
		pass(20 * time.Second)
		synctest.Wait()
		if got := said(t, a); got != "x w y z" {
			t.Errorf("the newcomer got %q", got)
		}
		if got := said(t, c); got != "w z" {
			t.Errorf("the client that had x and y got %q", got)
		}
		a.leave()
		c.leave()
	})
}

// Of one client, the chain asks before an item is written within the time of the last one, and of the other after that.
func TestClientsThatHadTheItemsOfOneTimeInAnotherOrderMissNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newTimes()
		u.put("x", 1)
		before := u.idAfter(t, "")
		u.put("v", 1)
		f := newFeed(u.config())
		a := join(t, f, "", u.poll)
		pass(1900 * time.Millisecond)
		other := u.idAfter(t, before)
		u.put("y", 2)
		c := join(t, f, other, u.poll)
		pass(50 * time.Millisecond)
		u.put("w", 2)
		pass(20 * time.Second)
		u.put("z", 3)
		pass(20 * time.Second)
		synctest.Wait()
		if got := said(t, a); got != "v x w y z" {
			t.Errorf("the newcomer got %q", got)
		}
		if got := said(t, c); got != "y w z" {
			t.Errorf("the client that had x and v got %q", got)
		}
		a.leave()
		c.leave()
	})
}
