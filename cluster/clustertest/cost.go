package clustertest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"go.uber.org/goleak"
)

// Enough topics to see what one costs, and what they may cost together.
const (
	topics         = 2_000
	fewGoroutines  = 50
	forManyTopics  = 10 * time.Second
	subscribeAtOne = 32
)

func manyTopics(s *scene) {
	nodes := s.start(2)
	before := runtime.NumGoroutine()
	listeners := make([]*listener, topics)
	name := func(i int) string { return fmt.Sprintf("feed-%d", i) }
	began := s.clock.Now()
	var all sync.WaitGroup
	for first := range subscribeAtOne {
		all.Go(func() {
			for i := first; i < topics; i += subscribeAtOne {
				listeners[i] = &listener{}
				if _, err := nodes[1].Subscribe(name(i), listeners[i].hear); err != nil {
					s.Errorf("Subscribe: %v", err)
				}
			}
		})
	}
	all.Wait()
	if took := s.clock.Since(began); took > forManyTopics {
		s.Errorf("to subscribe to %d topics took %s", topics, took)
	}
	if more := runtime.NumGoroutine() - before; more > fewGoroutines {
		s.Errorf("%d topics cost %d goroutines", topics, more)
	}
	hear := func(text string, want []string) {
		nodes[0].settleAll(name, listeners)
		for i := range listeners {
			nodes[0].say(name(i), text)
		}
		nodes[0].settleAll(name, listeners)
		for i, l := range listeners {
			if got := l.heard(); !slices.Equal(got, want) {
				s.Fatalf("on the topic %q was heard: %s; not %s", name(i), short(got), short(want))
			}
		}
	}
	hear("before", []string{"before"})
	s.server.Kill()
	nodes[0].awaitDown()
	nodes[1].awaitDown()
	s.server.Start()
	nodes[0].awaitUp()
	nodes[1].awaitUp()
	hear("after", []string{"before", "after"})
}

func concurrent(s *scene) {
	nodes := s.start(3)
	var all sync.WaitGroup
	for i := range 16 {
		from, to := nodes[i%3], nodes[(i+1)%3]
		topic := fmt.Sprintf("feed-%d", i)
		all.Go(func() {
			want := numbered(100)
			for range 5 {
				l := &listener{}
				var err error
				if l.Subscription, err = to.Subscribe(topic, l.hear); err != nil {
					s.Errorf("Subscribe: %v", err)
					return
				}
				_, _ = to.State()
				_ = to.Largest()
				_ = from.Publish("somewhere-else", []byte("x"))
				if s.routed && !within(func() bool { _ = from.Publish(topic, []byte(aMark)); return l.marked(aMark) }) {
					s.Errorf("no message was heard on %s", topic)
					return
				}
				for _, text := range want {
					if err := from.Publish(topic, []byte(text)); err != nil {
						s.Errorf("Publish: %v", err)
					}
				}
				if !within(func() bool { return len(l.heard()) >= len(want) }) || !slices.Equal(l.heard(), want) {
					s.Errorf("of %d messages were heard: %s", len(want), short(l.heard()))
				}
				if err := l.Unsubscribe(); err != nil {
					s.Errorf("Unsubscribe: %v", err)
				}
			}
		})
	}
	all.Wait()
}

// within reports whether something is so before patience ends. Unlike eventually, any goroutine may ask.
func within(is func() bool) bool {
	pause := between
	for end := time.Now().Add(patience); time.Now().Before(end); pause = min(2*pause, 50*between) {
		if is() {
			return true
		}
		<-time.After(pause)
	}
	return is()
}

func closed(s *scene) {
	nodes := s.start(2)
	closing, other := nodes[1].listen("feed"), s.connect()
	other.awaitUp()
	stays := other.listen("feed")
	nodes[0].settle("feed", closing, stays)
	changed := nodes[1].next()
	if err := nodes[1].Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
	nodes[0].say("feed", "to the other")
	nodes[0].settle("feed", stays)
	if got := closing.heard(); len(got) > 0 {
		s.Errorf("after Close, a subscription has heard %s", short(got))
	}
	if !isClosed(changed) || nodes[1].isUp() {
		s.Errorf("after Close, State is up: %t; changed is closed: %t", nodes[1].isUp(), isClosed(changed))
	}
	if err := nodes[1].Publish("feed", []byte("too late")); err == nil {
		s.Errorf("Publish has succeeded after Close")
	}
	if _, err := nodes[1].Subscribe("feed", func([]byte) {}); err == nil {
		s.Errorf("Subscribe has succeeded after Close")
	}
	nodes[0].settle("feed", stays)
	if got := stays.heard(); !slices.Equal(got, []string{"to the other"}) {
		s.Errorf("another node has heard %s", short(got))
	}
	nodes[1].warned(0) // it was no outage
}

func closedLeavesNothing(s *scene) {
	for _, situation := range []string{"up", "away", "never there"} {
		ignored := goleak.IgnoreCurrent()
		if situation != "never there" {
			s.server.Start()
		}
		n := s.connect()
		if situation != "never there" {
			n.awaitUp()
			n.listen("feed")
			_ = n.Publish("feed", []byte("x"))
		}
		if situation == "away" {
			s.server.Kill()
			n.awaitDown()
		}
		began := s.clock.Now()
		if err := n.Close(); err != nil {
			s.Errorf("%s: Close: %v", situation, err)
		}
		if took := s.clock.Since(began); took > prompt {
			s.Errorf("%s: Close took %s", situation, took)
		}
		if situation == "up" {
			s.server.Kill() // it may run in this process, too
		}
		var err error
		if !within(func() bool { err = goleak.Find(ignored); return err == nil }) {
			s.Errorf("%s: after Close: %v", situation, err)
		}
	}
}
