package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// soak returns the full size of a long test under `make soak`, and else a shorter one.
func soak(short, full int) int {
	if os.Getenv("SOAK") != "" {
		return full
	}
	return short
}

func chainsOf(f *Feed) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.chains)
}

func TestClientsOfOneRequestShareAPoll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = 25 * time.Second
		u.publish(3)
		f := newFeed(config)
		var clients []*client
		for range 1000 {
			clients = append(clients, join(t, f, "", u.poll))
		}
		synctest.Wait()
		if n := u.count(); n != 2 {
			t.Errorf("%d polls for 1,000 newcomers, not the first and the one that is held", n)
		}
		u.publish(1)
		synctest.Wait()
		if n := u.count(); n != 3 {
			t.Errorf("%d polls after an event", n)
		}
		for _, c := range clients {
			if got := ids(t, c); got != "1 2 3 4" {
				t.Fatalf("a client got %q", got)
			}
			c.leave()
		}
	})
}

func TestNothingIsPendingForAReaderThatHasAPlaceButNoEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newFeed(testConfig()).Join("", Start{Poll: newUpstream().poll})
		synctest.Wait()
		if r.Pending() {
			t.Error("its headers would not be flushed")
		}
		r.Close()
	})
}

func TestNewcomersWithOtherRequestsGetTheirOwnStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		u := newUpstream()
		u.publish(60)
		f := newFeed(config)
		from := func(n int) Poll {
			return func(ctx context.Context, ask Ask) (page.Page, error) {
				if ask.First {
					ask.From = position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}
				}
				return u.poll(ctx, ask)
			}
		}
		a := &client{reader: f.Join("", Start{Key: "57", Poll: from(57)})}
		b := &client{reader: f.Join("", Start{Key: "59", Poll: from(59)})}
		for c, want := range map[*client]string{a: "58 59 60", b: "60"} {
			batch, err := c.reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			c.wire = batch
			if got := ids(t, c); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		pass(5 * time.Second)
		if n := chainsOf(f); n != 1 {
			t.Errorf("%d chains after they have met", n)
		}
		a.reader.Close()
		b.reader.Close()
	})
}

// timeline is an upstream with page cursors to which items are added as time goes by.
type timeline struct {
	born  time.Time
	rate  int // items a second
	limit int
	polls atomic.Int64
}

func (u *timeline) now() int { return int(time.Since(u.born).Seconds() * float64(u.rate)) }

func (u *timeline) poll(_ context.Context, ask Ask) (page.Page, error) {
	u.polls.Add(1)
	end := u.now()
	since := end
	if !ask.From.Cursor.IsZero() {
		since, _ = strconv.Atoi(ask.From.Cursor[0])
	}
	end = min(end, since+u.limit)
	p := page.Page{News: since < end, Next: position.Position{Cursor: position.Cursor{strconv.Itoa(end)}}}
	var prints position.Prints
	for n := since + 1; n <= end; n++ {
		text := strconv.Itoa(n)
		at := position.Position{Cursor: position.Cursor{strconv.Itoa(since)}, Done: n - since, Print: prints.Next([]byte(text))}
		if n == end {
			at = p.Next
		}
		p.Events = append(p.Events, page.Event{Data: []byte(text), At: at})
	}
	if i := slices.IndexFunc(p.Events, func(e page.Event) bool { return e.At.Done > 0 && e.At.Print == ask.From.Print }); ask.From.Done > 0 && i >= 0 {
		p.Events = p.Events[i+1:]
	}
	return p, nil
}

func TestClientsThatComeBackEndOnOneChain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := &timeline{born: time.Now().Add(-time.Hour), rate: 10, limit: 1000}
		f := newFeed(testConfig())
		clients := []*client{join(t, f, "", u.poll)}
		for i := range 200 {
			pass(3 * time.Second)
			// a border of a node with other polls, up to a minute ago
			id := strconv.Itoa(u.now() - 7 - 3*i)
			clients = append(clients, join(t, f, id, u.poll))
		}
		pass(10 * time.Second)
		synctest.Wait()
		if n := chainsOf(f); n != 1 {
			t.Errorf("%d chains at the end", n)
		}
		if n := u.polls.Load(); n >= 1000 {
			t.Errorf("%d polls in ten minutes", n)
		} else {
			t.Logf("%d polls in ten minutes, for %d clients", n, len(clients))
		}
		last := ""
		for i, c := range clients {
			events := c.events(t)
			if i == 0 {
				last = events[len(events)-1].Data
			}
			if got := events[len(events)-1].Data; got != last {
				t.Errorf("client %d stands at %s, the first at %s", i, got, last)
			}
			for j := 1; j < len(events); j++ {
				a, _ := strconv.Atoi(events[j-1].Data)
				if b, _ := strconv.Atoi(events[j].Data); b != a+1 {
					t.Fatalf("client %d got %d after %d", i, b, a)
				}
			}
			c.leave()
		}
	})
}

func TestForgedIDsCostNoMoreThanTheBoundOfChains(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold, u.most = time.Minute, 10
		u.publish(10_000_000)
		var open, most atomic.Int64
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			n := open.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			defer open.Add(-1)
			return u.poll(ctx, ask)
		}
		f := newFeed(config)
		var readers []*Reader
		for i := range 1000 {
			readers = append(readers, f.Join(strconv.Itoa(1000*i+1), Start{Poll: poll}))
		}
		synctest.Wait()
		if n := chainsOf(f); n != config.Chains {
			t.Errorf("%d chains", n)
		}
		if n := most.Load(); n > int64(config.Chains) {
			t.Errorf("%d polls at once", n)
		}
		for _, r := range readers {
			r.Nudge()
			if _, err := r.Next(); err != nil {
				t.Errorf("a client that waits is not kept alive: %v", err)
			}
			r.Close()
		}
	})
}

func TestAChainThatIsBehindForLongYieldsToThoseWhoWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains = 2
		u := newUpstream()
		u.most = 1
		u.publish(10_000)
		f := newFeed(config)
		behind := []*client{join(t, f, "1", u.poll), join(t, f, "5000", u.poll)}
		waits := join(t, f, "8000", u.poll)
		pass(30 * time.Second)
		if waits.text() != "" {
			t.Fatalf("a client over the bound got %q", waits.text())
		}
		pass(2 * time.Minute)
		synctest.Wait()
		if !strings.Contains(behind[0].text()+behind[1].text(), `{"reason":"yielded"}`) {
			t.Error("no chain has yielded")
		}
		if !strings.HasPrefix(waits.text(), "data: item 8001\n") {
			t.Errorf("the one that waited got %.40q", waits.text())
		}
		for _, c := range append(behind, waits) {
			c.leave()
		}
	})
}

func TestWhoWaitsAfterOneThatLeftWhileItWaitedIsSeatedToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains = 2
		u := newUpstream()
		u.most = 1
		u.publish(10_000)
		f := newFeed(config)
		behind := []*client{join(t, f, "1", u.poll), join(t, f, "5000", u.poll)}
		pass(100 * time.Millisecond)
		join(t, f, "7000", u.poll).leave()
		pass(1500 * time.Millisecond) // and nothing is polled
		waits := join(t, f, "8000", u.poll)
		pass(2 * time.Minute)
		synctest.Wait()
		if !strings.HasPrefix(waits.text(), "data: item 8001\n") {
			t.Errorf("the one that waited got %.40q", waits.text())
		}
		for _, c := range append(behind, waits) {
			c.leave()
		}
	})
}

// Its place was in the log when it came, but a page has pushed it out before it ran.
func TestAReaderThatHasNotRunYetIsNotSlow(t *testing.T) {
	for lastID, want := range map[string]string{
		"1":   "2 3 4 5 6 7 8 9 10 11",
		"%zz": "bridge.reset 1 2 3 4 5 6 7 8 9 10 11", // which goes before its place
	} {
		bubble(t, func(t *testing.T) {
			config := testConfig()
			config.LongPoll, config.Replay = true, 5
			u := newUpstream()
			u.hold = 25 * time.Second
			u.publish(10)
			f := newFeed(config)
			late := &client{reader: f.Join(lastID, Start{Poll: u.poll})}
			synctest.Wait()
			quick := join(t, f, "5", u.poll)
			synctest.Wait()
			u.publish(1)
			synctest.Wait()
			for !strings.Contains(late.text(), "id: 11\n") {
				b, err := late.reader.Next()
				if err != nil {
					t.Fatalf("id %q, after %q: %v", lastID, late.text(), err)
				}
				late.wire = append(late.wire, b...)
			}
			if got := ids(t, late); got != want {
				t.Errorf("id %q: got %q, want %q", lastID, got, want)
			}
			late.reader.Close()
			quick.leave()
		})
	}
}

func TestResumesAtRandomIDsWhileTheUpstreamPublishes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll = true
		u := newUpstream()
		u.hold = 25 * time.Second
		u.publish(1000)
		f := newFeed(config)
		stay := join(t, f, "", u.poll)
		var clients []*client
		var from []int
		random := rand.New(rand.NewPCG(2, 1)) // the same ids in each run
		count := 1000
		for range soak(2000, 10_000) {
			pass(time.Millisecond)
			u.publish(1)
			count++
			from = append(from, 1+random.IntN(count))
			clients = append(clients, join(t, f, strconv.Itoa(from[len(from)-1]), u.poll))
			if len(clients) == 50 {
				check(t, clients, from, u)
				clients, from = nil, nil
			}
		}
		stay.leave()
	})
}

// check waits until all clients have everything from their ids on, and lets them go.
func check(t *testing.T, clients []*client, from []int, u *upstream) {
	t.Helper()
	pass(2 * time.Minute)
	synctest.Wait()
	for i, c := range clients {
		want := from[i]
		for _, e := range c.events(t) {
			n, err := strconv.Atoi(e.LastEventID)
			if err != nil || n != want+1 {
				t.Fatalf("client from %d got %q after %d", from[i], e.LastEventID, want)
			}
			want = n
		}
		u.mu.Lock()
		all := u.items
		u.mu.Unlock()
		if want != all {
			t.Fatalf("client from %d stands at %d of %d", from[i], want, all)
		}
		c.leave()
	}
}

func TestJoinsAndLeavesLeaveNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	config := testConfig()
	config.LongPoll, config.Linger = true, time.Millisecond
	var mu sync.Mutex
	feeds := map[int]*Feed{}
	polling := map[string]int{}
	config.Closed = func(f *Feed) {
		mu.Lock()
		defer mu.Unlock()
		for i, other := range feeds {
			if other == f {
				delete(feeds, i)
			}
		}
	}
	u := newUpstream()
	u.hold = time.Minute
	u.publish(10)
	poll := func(ctx context.Context, ask Ask) (page.Page, error) {
		mu.Lock()
		if polling[ask.Chain]++; polling[ask.Chain] > 1 {
			t.Errorf("two polls of chain %s at once", ask.Chain)
		}
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			polling[ask.Chain]--
		}()
		return u.poll(ctx, ask)
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range soak(20_000, 100_000) / 8 {
				i := random.IntN(10)
				lastID := ""
				if random.IntN(2) == 0 {
					lastID = strconv.Itoa(random.IntN(11))
				}
				var r *Reader
				for r == nil {
					mu.Lock()
					f := feeds[i]
					if f == nil {
						f = New(config, zap.NewNop())
						feeds[i] = f
					}
					mu.Unlock()
					if r = f.Join(lastID, Start{Poll: poll}); r == nil {
						config.Closed(f)
					}
				}
				if random.IntN(4) > 0 {
					r.Nudge()
					if _, err := r.Next(); err != nil {
						t.Errorf("reading: %v", err)
					}
				}
				r.Close()
			}
		})
	}
	wg.Wait()
}

func TestALogOfAForgetfulUpstreamIsAllThatCanResume(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.LongPoll, config.Forgetful, config.Replay, config.Linger = true, true, 4, time.Minute
		u := newUpstream()
		u.hold, u.most = 25*time.Second, 1
		u.publish(6)
		f := newFeed(config)
		a := join(t, f, "", u.poll)
		synctest.Wait()
		held := join(t, f, "4", u.poll)
		forgotten := join(t, f, "1", u.poll)
		synctest.Wait()
		u.publish(1)
		synctest.Wait()
		if got := ids(t, held); got != "5 6 7" {
			t.Errorf("an id of the log: got %q", got)
		}
		if got := ids(t, forgotten); got != "bridge.reset 7" {
			t.Errorf("an id that the log has lost: got %q", got)
		}
		for _, c := range []*client{a, held, forgotten} {
			c.leave()
		}
		pass(30 * time.Second)
		before := u.count()
		back := join(t, f, "5", u.poll)
		synctest.Wait()
		if got := ids(t, back); got != "6 7" {
			t.Errorf("within the linger: got %q", got)
		}
		if asks, _ := u.asked(); len(asks) > before+1 {
			t.Errorf("%d polls for a client that came back", len(asks)-before)
		}
		back.leave()
	})
}

func TestACursorThatMovesInSilenceIsSaidOnceAMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cursor := 0
		poll := func(context.Context, Ask) (page.Page, error) {
			cursor++
			return page.Page{News: true, Next: position.Position{Cursor: position.Cursor{strconv.Itoa(cursor)}}}, nil
		}
		c := join(t, newFeed(testConfig()), "", poll)
		pass(5*time.Minute + time.Second)
		synctest.Wait()
		if n := strings.Count(c.text(), "event: bridge.position\ndata: {}\nid: "); n != 5 {
			t.Errorf("said %d times in five minutes: %q", n, c.text())
		}
		c.leave()
	})
}

func TestNoPositionIsSaidWhereThereIsNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.publish(1)
		var reset, silent atomic.Bool
		c := join(t, newFeed(testConfig()), "", func(ctx context.Context, ask Ask) (page.Page, error) {
			switch {
			case reset.CompareAndSwap(true, false):
				silent.Store(true)
				return page.Page{Reset: true, Next: ask.From}, nil
			case silent.Load():
				return page.Page{Next: ask.From, Empty: true}, nil
			}
			return u.poll(ctx, ask)
		})
		pass(2 * time.Minute)
		reset.Store(true)
		pass(3 * time.Minute)
		synctest.Wait()
		if got := ids(t, c); got != "1 bridge.reset" {
			t.Errorf("got %q", got)
		}
		c.leave()
	})
}

func TestNothingIsPolledForThoseWhoWereRefusedWhileTheyWaited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		config.Chains = 2
		u := newUpstream()
		u.setFail(&page.Refusal{Status: 401})
		f := newFeed(config)
		var readers []*Reader
		for id := range 6 {
			readers = append(readers, f.Join(strconv.Itoa(id), Start{Poll: u.poll}))
		}
		pass(time.Second)
		for _, r := range readers {
			if end := r.end.Load(); end == nil || end.Refusal == nil {
				t.Errorf("got %v", end)
			}
			r.Close()
		}
		if n := u.count(); n > 2*config.Chains {
			t.Errorf("%d polls by %d chains, of which each asks from its id and once more", n, config.Chains)
		}
	})
}

func TestARefusalIsRememberedForThoseWhoComeBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUpstream()
		u.setFail(&page.Refusal{Status: 401})
		core, logs := observer.New(zapcore.WarnLevel)
		f := New(testConfig(), zap.New(core))
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			pass(10 * time.Millisecond)
			return u.poll(ctx, ask)
		}
		c := join(t, f, "", poll)
		<-c.done
		for range 100 {
			pass(50 * time.Millisecond)
			back := join(t, f, "", poll)
			if back.reader.Answered(t.Context(), time.Second) == nil {
				t.Error("the headers of one whose poll finds out whether the refusal holds did not wait for its answer")
			}
			<-back.done
			if back.end.Refusal == nil || back.end.Refusal.Status != 401 {
				t.Fatalf("got %v", back.end)
			}
		}
		if n := u.count(); n > 4 {
			t.Errorf("%d polls in five seconds of clients that come back, not one in each interval", n)
		}
		if n := logs.FilterMessageSnippet("refuses the poll").Len(); n != 1 {
			t.Errorf("%d lines that the upstream refuses", n)
		}
		u.setFail(nil)
		u.publish(1)
		pass(2 * time.Second)
		in := join(t, f, "", u.poll)
		synctest.Wait()
		if got := ids(t, in); got != "1" {
			t.Errorf("got %q once the upstream has given in", got)
		}
		in.leave()
	})
}

// TestPagesTrimmedAtTheFront resumes within pages of which a tenth of the items are equal, and
// which lose items at the front in between.
func TestPagesTrimmedAtTheFront(t *testing.T) {
	items, err := value.ParsePath("items")
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := value.Parse("cursor")
	if err != nil {
		t.Fatal(err)
	}
	reader := page.NewReader(page.Config{Items: items, Cursors: []page.Cursor{{Values: []value.Value{cursor}}}})
	read := func(list []string, from position.Position) page.Page {
		body, err := json.Marshal(map[string]any{"items": list, "cursor": "next"})
		if err != nil {
			t.Fatal(err)
		}
		p, err := reader.Read(page.Response{Status: 200, Header: http.Header{}, Body: body}, from, &value.Env{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	random := rand.New(rand.NewPCG(3, 1))
	resumes, lost, silent := soak(5_000, 100_000), 0, 0
	for range resumes {
		list := make([]string, 100)
		for i := range list {
			if list[i] = fmt.Sprintf("item %d", i); random.IntN(10) == 0 {
				list[i] = "equal"
			}
		}
		from := position.Position{Cursor: position.Cursor{"c"}}
		at := random.IntN(99)
		id, err := position.Parse(read(list, from).Events[at].At.ID(), 1)
		if err != nil {
			t.Fatal(err)
		}
		cut := random.IntN(100)
		rest := read(list[cut:], id)
		// what the client has not seen and the upstream still has must come
		if want := 100 - max(at+1, cut); len(rest.Events) < want {
			lost++
			if !rest.Lost {
				silent++
			}
		}
	}
	t.Logf("%d of %d resumes within a page lost an item, %d without a word", lost, resumes, silent)
	if lost*2000 > resumes {
		t.Errorf("%d of %d resumes within a page lost an item", lost, resumes)
	}
}
