package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tmaxmax/go-sse"
)

// seen is an event as a client of another make reports it.
type seen struct{ Type, ID, Data string }

// cutClientSite is the Caddyfile of a site with a chat, whose clients come back soon.
func cutClientSite(upstream string) string { return testsite.ChatSite(upstream, "retry 50ms") }

// cutAgainAndAgain has a chat say more than 100 lines while a client that comes back by itself is cut off
// 50 times, and checks that it comes back with the id of its last event and gets each line once,
// in order.
func cutAgainAndAgain(t *testing.T, c *testsite.Chat, w *testsite.Wire, events func() []seen) {
	t.Helper()
	var said []seen
	say := func(n int) {
		t.Helper()
		lines := make([]string, n)
		for i := range lines {
			id := len(said) + 1
			lines[i] = fmt.Sprintf("line %d\nof \"many\" – %d", id, id)
			said = append(said, seen{"message", strconv.Itoa(id), lines[i]})
		}
		c.Say(lines...)
	}
	check := func() {
		t.Helper()
		testsite.Eventually(t, fmt.Sprintf("event %d", len(said)), func() bool { return len(events()) >= len(said) })
		if got := events(); !slices.Equal(got, said) {
			t.Fatalf("got %q,\nwant %q", got, said)
		}
	}
	say(1)
	check()
	var left []string
	for i := range 50 {
		w.Cut()
		left = append(left, strconv.Itoa(len(said)))
		if i%2 == 0 { // while it is away; the other times when it is back
			say(1)
		}
		testsite.Eventually(t, "the client to come back", func() bool { return len(w.Resumed()) == len(left) })
		say(1 + 2*(i%2))
		check()
	}
	say(1) // in whose place a repeat would come
	check()
	if got := w.Resumed(); !slices.Equal(got, left) {
		t.Errorf("the client came back with the ids %q, but left at %q", got, left)
	}
}

func TestGoSSEResumesAfterCuts(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	s := testsite.Run(t, cutClientSite(testsite.Backend(t, c.ServeHTTP)))
	w := testsite.NewWire(t, s.Addr)

	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []seen
	client := sse.Client{HTTPClient: &http.Client{Transport: new(http.Transport)}}
	connection := client.NewConnection(r)
	connection.SubscribeToAll(func(e sse.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Type == "" {
			e.Type = "message"
		}
		got = append(got, seen{e.Type, e.LastEventID, e.Data})
	})
	done := make(chan error, 1)
	go func() { done <- connection.Connect() }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the client has ended with %v", err)
		}
	})
	cutAgainAndAgain(t, c, w, func() []seen {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(got)
	})
}

func TestTheEventSourceOfNpmResumesAfterCuts(t *testing.T) {
	folder := filepath.Join("test", "clients", "npm")
	testsite.NeedNode(t, folder)
	c := testsite.NewChat(time.Minute)
	s := testsite.Run(t, cutClientSite(testsite.Backend(t, c.ServeHTTP)))
	w := testsite.NewWire(t, s.Addr)
	node := testsite.RunComponent(t, folder, nil, "node", "client.mjs", "eventsource", w.URL+"/messages")
	cutAgainAndAgain(t, c, w, func() (events []seen) {
		text := node.Output.String()
		text = text[:strings.LastIndexByte(text, '\n')+1]
		for line := range strings.Lines(text) {
			var fields [3]string
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("the client says %q", line)
			}
			events = append(events, seen{fields[0], fields[1], fields[2]})
		}
		return events
	})
}
