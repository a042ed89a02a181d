package ssebridge

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Its new run has lines under the ids that the clients have when the first poll comes.
func TestABackendThatHasCountedPastItsClientsAgainResetsThem(t *testing.T) {
	for _, pace := range []string{"long_poll 10m", "interval 50ms"} {
		t.Run(pace, func(t *testing.T) {
			hold := longHold
			if !strings.HasPrefix(pace, "long_poll") {
				hold = 0
			}
			c := newChat(hold)
			up := newRestartable(t, c)
			s := runCaddy(t, strings.Replace(chatSite(up.addr, "order by_id"), "long_poll", pace, 1))
			var clients []*subscription
			for range 3 {
				clients = append(clients, subscribe(t, s.url+"/messages"))
			}
			for _, line := range []string{"one", "two", "three"} {
				c.say(line)
				for _, client := range clients {
					client.want(line)
				}
			}
			up.stop()
			for _, client := range clients {
				client.hasComment(commentUnreachable)
			}
			news := []string{"new one", "new two", "new three", "new four", "new five"}
			c.mu.Lock()
			c.lines = news
			c.mu.Unlock()
			up.start()
			for _, client := range clients {
				if e := client.next(); e.Type != "bridge.reset" || !strings.Contains(e.Data, "restarted") {
					t.Fatalf("got %+v", e)
				}
				client.want(news...)
			}
		})
	}
}

// The poll that is held after an outage is not what clients and operators wait for.
func TestABackendThatHoldsPollsIsUpWhenItIsBack(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string // what a client has got before the outage
		more  string
		head  bool // the backend sends the head of an answer before it holds it
	}{
		"it answers with what came last":    {lines: []string{"one", "two"}},
		"it has nothing yet":                {},
		"it has nothing, and sends a head":  {head: true},
		"it forgets what was polled":        {lines: []string{"one", "two"}, more: "replay 100"},
		"it forgets, and sends a head":      {lines: []string{"one", "two"}, more: "replay 100", head: true},
		"it is known to count on, and does": {lines: []string{"one", "two"}, more: "order by_id"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChat(longHold)
			up := newRestartable(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.head {
					_ = http.NewResponseController(w).Flush()
				}
				c.ServeHTTP(w, r)
			}))
			s := runCaddy(t, strings.Replace(chatSite(up.addr, "notify", test.more), "long_poll", "long_poll 10m", 1))
			client := subscribe(t, s.url+"/messages")
			for _, line := range test.lines {
				c.say(line)
				client.want(line)
			}
			eventually(t, "a poll that is held", func() bool { return len(c.polled()) > len(test.lines) })
			up.stop()
			client.hasComment(commentUnreachable)
			up.start()
			client.isUp()
			c.say("more")
			client.want("more")
		})
	}
}

// stateOf is a backend that counts the versions of its state, as Consul does: it holds a poll with the
// newest index, and with a greater one.
type stateOf struct {
	mu    sync.Mutex
	value string
	index int
	asked []string
	wake  chan struct{}
}

func (s *stateOf) set(value string, index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.index = value, index
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *stateOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.Atoi(r.URL.Query().Get("index"))
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Query().Get("index"))
	s.mu.Unlock()
	for {
		s.mu.Lock()
		value, index, wake := s.value, s.index, s.wake
		s.mu.Unlock()
		if index > since {
			w.Header().Set("X-Index", strconv.Itoa(index))
			fmt.Fprintf(w, "%q", value)
			return
		}
		select {
		case <-wake:
		case <-r.Context().Done():
			return
		}
	}
}

func TestADocumentIsTheNewestAfterABackendsRestart(t *testing.T) {
	for _, more := range []string{"", "diff json_patch"} {
		t.Run(more, func(t *testing.T) {
			state := &stateOf{value: "old", index: 202, wake: make(chan struct{})}
			up := newRestartable(t, state)
			s := runCaddy(t, fmt.Sprintf(`{{site}} {
	sse_bridge /state %s {
		long_poll 10m
		cursor {sse.header.X-Index}
		query index {sse.cursor}
		notify
		%s
	}
}`, up.addr, more))
			client := subscribe(t, s.url+"/state")
			if e := client.next(); e.Data != `"old"` {
				t.Fatalf("got %+v", e)
			}
			eventually(t, "a poll that is held", func() bool {
				state.mu.Lock()
				defer state.mu.Unlock()
				return slices.Contains(state.asked, "202")
			})
			up.stop()
			client.hasComment(commentUnreachable)
			state.set("new", 15)
			up.start()
			client.isUp()
			if e := client.next(); !strings.Contains(e.Data, `"new"`) {
				t.Errorf("got %+v", e)
			}
			state.set("newer", 16)
			if e := client.next(); !strings.Contains(e.Data, `"newer"`) {
				t.Errorf("got %+v", e)
			}
		})
	}
}
