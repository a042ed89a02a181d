package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// Its new run has lines under the ids that the clients have when the first poll comes.
func TestABackendThatHasCountedPastItsClientsAgainResetsThem(t *testing.T) {
	for _, pace := range []string{"long_poll 10m", "interval 50ms"} {
		t.Run(pace, func(t *testing.T) {
			hold := testsite.LongHold
			if !strings.HasPrefix(pace, "long_poll") {
				hold = 0
			}
			c := testsite.NewChat(hold)
			up := newRestartable(t, c)
			s := testsite.Run(t, strings.Replace(testsite.ChatSite(up.addr, "order by_id"), "long_poll", pace, 1))
			var clients []*testsite.Subscription
			for range 3 {
				clients = append(clients, testsite.Subscribe(t, s.URL+"/messages"))
			}
			for _, line := range []string{"one", "two", "three"} {
				c.Say(line)
				for _, client := range clients {
					client.Want(line)
				}
			}
			up.stop()
			for _, client := range clients {
				client.HasComment(page.Unreachable)
			}
			news := []string{"new one", "new two", "new three", "new four", "new five"}
			c.Mu.Lock()
			c.Lines = news
			c.Mu.Unlock()
			up.start()
			for _, client := range clients {
				if e := client.Next(); e.Type != "bridge.reset" || !strings.Contains(e.Data, "restarted") {
					t.Fatalf("got %+v", e)
				}
				client.Want(news...)
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
			c := testsite.NewChat(testsite.LongHold)
			up := newRestartable(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.head {
					_ = http.NewResponseController(w).Flush()
				}
				c.ServeHTTP(w, r)
			}))
			s := testsite.Run(t, strings.Replace(testsite.ChatSite(up.addr, "notify", test.more), "long_poll", "long_poll 10m", 1))
			client := testsite.Subscribe(t, s.URL+"/messages")
			for _, line := range test.lines {
				c.Say(line)
				client.Want(line)
			}
			testsite.Eventually(t, "a poll that is held", func() bool { return len(c.Polled()) > len(test.lines) })
			up.stop()
			client.HasComment(page.Unreachable)
			up.start()
			client.IsUp()
			c.Say("more")
			client.Want("more")
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
			s := testsite.Run(t, fmt.Sprintf(`{{site}} {
	sse_bridge /state %s {
		long_poll 10m
		cursor {sse.header.X-Index}
		query index {sse.cursor}
		notify
		%s
	}
}`, up.addr, more))
			client := testsite.Subscribe(t, s.URL+"/state")
			if e := client.Next(); e.Data != `"old"` {
				t.Fatalf("got %+v", e)
			}
			testsite.Eventually(t, "a poll that is held", func() bool {
				state.mu.Lock()
				defer state.mu.Unlock()
				return slices.Contains(state.asked, "202")
			})
			up.stop()
			client.HasComment(page.Unreachable)
			state.set("new", 15)
			up.start()
			client.IsUp()
			if e := client.Next(); !strings.Contains(e.Data, `"new"`) {
				t.Errorf("got %+v", e)
			}
			state.set("newer", 16)
			if e := client.Next(); !strings.Contains(e.Data, `"newer"`) {
				t.Errorf("got %+v", e)
			}
		})
	}
}
