package clustertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// numbered are n different texts.
func numbered(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("message %d", i)
	}
	return texts
}

func arrive(s *scene) {
	nodes := s.start(3)
	one, two := nodes[1].listen("feed"), nodes[2].listen("feed")
	nodes[0].settle("feed", one, two)
	all := numbered(500)
	for _, text := range all {
		nodes[0].say("feed", text)
	}
	nodes[0].settle("feed", one, two)
	for _, l := range []*listener{one, two} {
		if got := l.heard(); !slices.Equal(got, all) {
			s.Errorf("of %d messages, %d were heard: %s", len(all), len(got), short(got))
		}
		if l.wasOverlapped() {
			s.Errorf("heard was called while it ran")
		}
	}
}

// short is a list of texts, as far as somebody wants to read it.
func short(texts []string) string {
	if len(texts) > 20 {
		return fmt.Sprintf("%.40q … %.40q", texts[:10], texts[len(texts)-10:])
	}
	return fmt.Sprintf("%.40q", texts)
}

func noEcho(s *scene) {
	nodes := s.start(2)
	own, other := nodes[0].listen("feed"), nodes[1].listen("feed")
	for _, text := range numbered(20) {
		nodes[0].say("feed", text)
		nodes[0].settle("feed", other)
		nodes[1].settle("feed", own)
	}
	if got := own.heard(); len(got) > 0 {
		s.Errorf("a node has heard %s of itself", short(got))
	}
}

// alike are topics that an engine may take for one another.
var alike = []string{"a", "ab", "a-b", "a_b", "a-", "_a", "-", "0", strings.Repeat("a", 63) + "b", strings.Repeat("a", 64), strings.Repeat("a", 63)}

func topicsApart(s *scene) {
	nodes := s.start(2)
	listeners := make([]*listener, len(alike))
	for i, topic := range alike {
		listeners[i] = nodes[1].listen(topic)
	}
	for i, topic := range alike {
		nodes[0].settle(topic, listeners[i])
		nodes[0].say(topic, "to "+topic)
	}
	for i, topic := range alike {
		nodes[0].settle(topic, listeners[i])
		if got := listeners[i].heard(); !slices.Equal(got, []string{"to " + topic}) {
			s.Errorf("on the topic %q was heard: %s", topic, short(got))
		}
	}
}

func subscribedTwice(s *scene) {
	nodes := s.start(2)
	first, second := nodes[1].listen("feed"), nodes[1].listen("feed")
	nodes[0].settle("feed", first, second)
	if err := first.Unsubscribe(); err != nil {
		s.Errorf("Unsubscribe: %v", err)
	}
	nodes[0].say("feed", "to the second")
	nodes[0].settle("feed", second)
	if got := second.heard(); !slices.Equal(got, []string{"to the second"}) {
		s.Errorf("after the other one had ended, the second subscription has heard %s", short(got))
	}
}

func subscribedAtOnce(s *scene) {
	nodes := s.start(2)
	for i := range 50 {
		topic := fmt.Sprintf("feed-%d", i)
		l := nodes[1].listen(topic)
		if s.routed {
			nodes[0].settle(topic, l)
		}
		nodes[0].say(topic, "first")
		nodes[0].settle(topic, l)
		if got := l.heard(); len(got) != 1 {
			s.Fatalf("what was published when Subscribe had returned was not heard: %s", short(got))
		}
	}
}

func unsubscribed(s *scene) {
	nodes := s.start(2)
	for i := range 10 {
		topic := fmt.Sprintf("feed-%d", i)
		l := nodes[1].listen(topic)
		nodes[0].settle(topic, l)
		var done sync.WaitGroup
		end := make(chan struct{})
		done.Go(func() {
			for {
				select {
				case <-end:
					return
				case <-time.After(100 * time.Microsecond):
					_ = nodes[0].Publish(topic, []byte("one of many"))
				}
			}
		})
		s.eventually("one of many is heard", func() bool { return len(l.heard()) > 3 })
		if err := l.Unsubscribe(); err != nil {
			s.Errorf("Unsubscribe: %v", err)
		}
		before := len(l.heard())
		other := nodes[1].listen(topic)
		s.eventually("another subscription hears some of many", func() bool { return len(other.heard()) > 3 })
		close(end)
		done.Wait()
		nodes[0].settle(topic, other)
		if after := len(l.heard()) - before; after > 1 { // one call may have been on its way
			s.Errorf("a subscription was called %d times after Unsubscribe had returned", after)
		}
	}
}

// largestTried is the largest message that the test sends. An engine may take larger ones.
const largestTried = 64 << 20

func sizes(s *scene) {
	nodes := s.start(2)
	l := nodes[1].listen("feed")
	nodes[0].settle("feed", l)
	largest := nodes[0].Largest()
	if largest < 1 {
		s.Fatalf("Largest is %d", largest)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	sent := []string{"", string(every), strings.Repeat("0123456789abcdef", min(largest, largestTried)/16+1)[:min(largest, largestTried)]}
	for _, text := range sent {
		nodes[0].say("feed", text)
	}
	nodes[0].settle("feed", l)
	if got := l.heard(); !slices.Equal(got, sent) {
		s.Errorf("of messages with %s bytes, those with %s bytes were heard as they were sent", lengths(sent), lengths(got))
	}
	if largest >= largestTried {
		return
	}
	if err := nodes[0].Publish("feed", make([]byte, largest+1)); err == nil {
		s.Errorf("Publish has taken a message of %d bytes, and the largest is %d", largest+1, largest)
	}
	if !nodes[0].isUp() {
		s.Errorf("a message that is too large has ended the connection")
	}
	nodes[0].settle("feed", l)
	if got := l.heard(); len(got) > len(sent) {
		s.Errorf("a message that is too large was heard")
	}
}

func lengths(texts []string) string {
	all := make([]int, len(texts))
	for i, text := range texts {
		all[i] = len(text)
	}
	return fmt.Sprint(all)
}

func overrun(s *scene) {
	nodes := s.start(2)
	l := nodes[1].listen("feed")
	nodes[0].settle("feed", l)
	changed := nodes[1].next()
	began, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var heard sync.Map
	slow, err := nodes[1].Subscribe("slow", func(message []byte) {
		once.Do(func() { close(began) })
		<-goOn
		heard.Store(string(message), true)
	})
	if err != nil {
		s.Fatalf("Subscribe: %v", err)
	}
	const all = 20_000
	for i := range all {
		text := fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 1000))
		s.eventually("Publish has room", func() bool { return nodes[0].Publish("slow", text) == nil })
	}
	select {
	case <-began:
	case <-time.After(patience):
		s.Errorf("of %d messages none was heard", all)
	}
	close(goOn)
	nodes[1].awaitUp()
	nodes[0].settle("feed", l)
	count := func() (n int) {
		heard.Range(func(any, any) bool { n++; return true })
		return n
	}
	s.eventually(fmt.Sprintf("%d messages are heard, or changed is closed", all), func() bool { return count() == all || isClosed(changed) })
	if err := slow.Unsubscribe(); err != nil {
		s.Errorf("Unsubscribe: %v", err)
	}
}

func isClosed(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}
