package feed

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// eventsOf returns so many events of 200 bytes.
func eventsOf(n, from int) []page.Event {
	data := []byte(strings.Repeat("x", 200))
	events := make([]page.Event, n)
	for i := range events {
		events[i] = page.Event{Data: data, At: position.Position{Cursor: position.Cursor{strconv.Itoa(from + i)}}}
	}
	return events
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range []int{1, 20, 100} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			events := eventsOf(n, 1)
			b.ReportAllocs()
			for b.Loop() {
				encode(nil, events, false)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	l := newLog(nil, NewBudget(64<<20))
	batch := make([]byte, 256)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.append(sealed(batch), []mark{{id: strconv.Itoa(i), end: len(batch)}}, 1000)
	}
}

// BenchmarkDeliver publishes pages to readers that each have a goroutine of their own, as streams
// do, and waits until all have them. The allocations are those of a whole page.
func BenchmarkDeliver(b *testing.B) {
	for _, readers := range []int{1000, 10_000} {
		for _, events := range []int{1, 20} {
			b.Run(fmt.Sprintf("readers=%d/events=%d", readers, events), func(b *testing.B) { deliver(b, readers, events) })
		}
	}
}

func deliver(b *testing.B, readers, events int) {
	config := testConfig()
	config.LongPoll = true
	pages := make(chan page.Page)
	poll := func(ctx context.Context, _ Ask) (page.Page, error) {
		select {
		case p := <-pages:
			return p, nil
		case <-ctx.Done():
			return page.Page{}, ctx.Err()
		}
	}
	f := newFeed(config)
	var got, done sync.WaitGroup
	all := make([]*Reader, readers)
	for i := range all {
		all[i] = f.Join("", Start{Poll: poll})
		done.Go(func() {
			defer all[i].Close()
			for {
				if _, err := all[i].Next(); err != nil {
					return
				}
				got.Done()
			}
		})
	}
	seq := 0
	publish := func() {
		p := page.Page{News: true, Events: eventsOf(events, seq)}
		seq += events
		p.Next = p.Events[events-1].At
		got.Add(readers)
		pages <- p
		got.Wait()
	}
	publish()
	b.ReportAllocs()
	for b.Loop() {
		publish()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*readers*events), "ns/event·client")
	b.StopTimer()
	for _, r := range all {
		r.Stop(Gone)
	}
	done.Wait()
}

func TestADeliveryAllocatesNothing(t *testing.T) {
	config := testConfig()
	f := newFeed(config)
	c := f.newChain()
	r := &Reader{feed: &f.common, arrival: &arrival{desk: &node{log: f.lobby.log}}}
	r.wake.Store(&bell{ring: make(chan struct{}, 1)})
	r.at = place{node: r.desk}
	c.sit(r, c.log.end())
	batch := make([]byte, 200)
	for range 2000 {
		c.log.append(sealed(batch), nil, 1<<30)
	}
	allocations := testing.AllocsPerRun(1000, func() {
		if b, err := r.Next(); len(b) != 200 || err != nil {
			t.Fatal(len(b), err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations for an event that is there", allocations)
	}
}
