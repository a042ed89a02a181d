package feed

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// heapInUse returns the bytes of the heap that are in use after a collection.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one has only finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// pagesOf is an upstream of items of a size, so many in an answer, whatever it is asked for. It keeps
// nothing of what it is asked.
func pagesOf(count, size int) Poll {
	return func(_ context.Context, ask Ask) (page.Page, error) {
		since := 0
		if !ask.From.Cursor.IsZero() {
			since, _ = strconv.Atoi(ask.From.Cursor[0])
		}
		p := page.Page{News: true}
		for n := since + 1; n <= since+count; n++ {
			p.Next = position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}
			p.Events = append(p.Events, page.Event{Data: bytes.Repeat([]byte{'x'}, size), At: p.Next})
		}
		return p, nil
	}
}

func TestClientsWithMadeUpIDsLeaveNothingBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		config := testConfig()
		poll := pagesOf(50, 4<<10)
		f := newFeed(config)
		stay := f.Join("", Start{Poll: poll}) // so that the feed and its oldest chain last
		synctest.Wait()
		var after20 int64
		before := heapInUse()
		for i := range 1000 {
			c := join(t, f, strconv.Itoa(1_000_000*(i+1)), poll)
			synctest.Wait()
			c.leave()
			pass(config.Linger + time.Second)
			if i == 19 {
				after20 = heapInUse()
			}
		}
		after := heapInUse()
		t.Logf("%d KB more after 20 clients, %d KB after 1,000; %d KB in logs", (after20-before)>>10, (after-before)>>10, config.Budget.Used()>>10)
		if after20-before > 48<<20 || after > after20+after20/10 {
			t.Errorf("the heap has %d bytes, %d after 20 clients, and %d after 1,000", before, after20, after)
		}
		if want := stay.chain.log.bytes; config.Budget.Used() != want {
			t.Errorf("%d bytes in logs, and %d in the only one", config.Budget.Used(), want)
		}
		stay.Close()
		pass(time.Minute)
		if n := config.Budget.Used(); n != 0 {
			t.Errorf("%d bytes in logs when nobody is there", n)
		}
	})
}

func TestTenMinutesOfChurnLeaveTheHeapAsTheFirstMinuteDid(t *testing.T) {
	const paths = 60
	bubble(t, func(t *testing.T) {
		config, feeds := testConfig(), map[int]*Feed{}
		config.Replay = 64
		config.Closed = func(f *Feed) {}
		random := rand.New(rand.NewPCG(7, 1)) // the same clients in each run
		born := time.Now()
		poll := func(ctx context.Context, ask Ask) (page.Page, error) {
			now, since := int(time.Since(born)/time.Second), 0
			if !ask.From.Cursor.IsZero() {
				since, _ = strconv.Atoi(ask.From.Cursor[0])
			}
			p := page.Page{Next: ask.From, Empty: true}
			for n := max(since, now-50) + 1; n <= now; n++ {
				p.Next, p.News, p.Empty = position.Position{Cursor: position.Cursor{strconv.Itoa(n)}}, true, false
				p.Events = append(p.Events, page.Event{Data: fmt.Appendf(nil, "%d: %0500d", n, 0), At: p.Next})
			}
			return p, nil
		}
		var here []*client
		var first, last int64
		step := time.Duration(soak(200, 20)) * time.Millisecond
		for now := time.Duration(0); now < 10*time.Minute; now += step {
			i := random.IntN(paths)
			id := [...]string{"", strconv.Itoa(random.IntN(600)), "made up", strconv.Itoa(1_000_000 + random.IntN(1_000_000))}[random.IntN(4)]
			var r *Reader
			for r == nil {
				if feeds[i] == nil {
					feeds[i] = newFeed(config)
				}
				if r = feeds[i].Join(id, Start{Poll: poll}); r == nil {
					feeds[i] = nil
				}
			}
			c := &client{reader: r, done: make(chan struct{})}
			go func() {
				defer close(c.done)
				defer r.Close()
				for {
					if _, err := r.Next(); err != nil {
						return
					}
				}
			}()
			if here = append(here, c); len(here) > 200 {
				n := random.IntN(len(here))
				here[n].leave()
				here[n] = here[len(here)-1]
				here = here[:len(here)-1]
			}
			pass(step)
			if now < time.Minute && now+step >= time.Minute {
				first = heapInUse()
			}
		}
		last = heapInUse()
		t.Logf("%d KB in use after a minute, %d KB after ten", first>>10, last>>10)
		if last > first+first/10 {
			t.Errorf("the heap has grown from %d to %d bytes", first, last)
		}
		var logs int64
		for _, f := range feeds {
			if f != nil {
				logs += f.Status().LogBytes
			}
		}
		if used := config.Budget.Used(); used != logs {
			t.Errorf("%d bytes in logs by the count of all, and %d by that of each", used, logs)
		}
		for _, c := range here {
			c.leave()
		}
		pass(time.Minute)
		if n := config.Budget.Used(); n != 0 {
			t.Errorf("%d bytes in logs when nobody is there", n)
		}
	})
}
