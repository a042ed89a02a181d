package ssebridge

import (
	"errors"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// checkBridges checks how many bridges there are.
func checkBridges(t *testing.T, want int) {
	t.Helper()
	if got := len(allBridges()); got != want {
		t.Errorf("there are %d bridges, want %d", got, want)
	}
}

func TestReloadThatLeavesTheBridgeAloneCutsNothing(t *testing.T) {
	resetProbes()
	c := newChat(time.Minute)
	up := backend(t, c.ServeHTTP)
	stop := c.publish(2 * time.Millisecond)
	defer stop()
	site := func(unrelated int) string { // without idle connections, which Caddy keeps for two minutes
		return strings.Replace(lifeSite(up, unrelated), "reverse_proxy "+up, "reverse_proxy "+up+" {\n\t\t\t\t\t\ttransport http {\n\t\t\t\t\t\t\tkeepalive off\n\t\t\t\t\t\t}\n\t\t\t\t\t}", 1)
	}
	s := runCaddy(t, site(0))
	transport := &http.Transport{} // whose connections are those of the streams
	t.Cleanup(transport.CloseIdleConnections)
	var clients []*subscription
	for range soak(8, 200) {
		clients = append(clients, subscribeWith(t, transport, s.url+"/messages"))
	}
	goroutines, all := len(ourGoroutines()), runtime.NumGoroutine()
	reloads := soak(12, 50)
	for i := 1; i <= reloads; i++ {
		config := site(i % 3)
		if i%2 == 0 {
			config = strings.Replace(config, "{{site}} {", "{{site}} {\n\tlog {\n\t\toutput discard\n\t}", 1)
		}
		s.reload(config)
		polled := func(n int) func() bool { return func() bool { return probed()[i] >= n } }
		eventually(t, "polls of the new configuration", polled(40))
		old := probed()[:i]
		eventually(t, "more polls of the new configuration", polled(80))
		if now := probed()[:i]; !slices.Equal(now, old) {
			t.Fatalf("after reload %d the polls of earlier configurations went on: %v, then %v", i, old, now)
		}
	}
	checkBridges(t, 1)
	n := stop()
	eventually(t, "as many goroutines as before", func() bool { return len(ourGoroutines()) <= goroutines })
	// Caddy keeps two for a configuration whose streams are open, and all of those are of the first
	eventually(t, "as many goroutines in all as before", func() bool { return runtime.NumGoroutine() <= all+2+5 })
	t.Logf("%d goroutines before %d reloads, %d after; %d events to %d streams", all, reloads, runtime.NumGoroutine(), n, len(clients))
	for _, client := range clients {
		var ids []string
		for len(ids) < n {
			ids = append(ids, client.next().ID)
		}
		checkSequence(t, ids, n)
		if len(client.events) > 0 {
			t.Errorf("%+v came after the last event", client.next())
		}
		select {
		case <-client.events:
			t.Error("the stream has ended")
		default:
		}
	}
	if n < 100 {
		t.Errorf("only %d events were published", n)
	}
}

func TestReloadThatFailsTakesNothingOver(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name   string
		why    string
		change func(config string) string
	}{
		{"at a later handler", "sabotaged", func(config string) string {
			return strings.TrimSuffix(config, "}") + "\tsabotage\n}"
		}},
		{"at a listener that is taken", "address already in use", func(config string) string {
			return config + "\nhttp://" + taken.Addr().String() + " {\n\trespond ok\n}"
		}},
	} {
		for _, bridge := range []struct {
			name  string
			lines []string
		}{
			{"the same bridge", nil},
			{"another bridge", []string{"retry 7s"}},
		} {
			t.Run(test.name+" with "+bridge.name, func(t *testing.T) {
				resetProbes()
				c := newChat(time.Minute)
				up := backend(t, c.ServeHTTP)
				stop := c.publish(2 * time.Millisecond)
				defer stop()
				s := runCaddy(t, lifeSite(up, 0))
				var clients []*subscription
				for range soak(4, 500) {
					clients = append(clients, subscribe(t, s.url+"/messages"))
				}
				sabotage = func() error { // polls go on while the new configuration is there
					if len(probed()) < 2 {
						t.Error("the new bridge was not there yet")
					}
					before := probed()[0]
					eventually(t, "polls while the configuration loads", func() bool { return probed()[0] > before+20 })
					return errors.New("sabotaged")
				}
				defer func() { sabotage = func() error { return nil } }()
				for range 3 {
					if err := s.load(test.change(lifeSite(up, 1, bridge.lines...))); err == nil || !strings.Contains(err.Error(), test.why) {
						t.Fatalf("loading the configuration: %v, want %q", err, test.why)
					}
				}
				if passed := probed(); len(passed) < 2 || slices.Max(passed[1:]) > 0 {
					t.Errorf("polls of the configurations, the first of which runs: %v", passed)
				}
				checkBridges(t, 1)
				before := probed()[0]
				eventually(t, "polls of the old configuration", func() bool { return probed()[0] > before+20 })

				s.reload(lifeSite(up, 2)) // a good one does take over
				eventually(t, "polls of the new configuration", func() bool { p := probed(); return p[len(p)-1] > 20 })
				n := stop()
				for _, client := range clients {
					var ids []string
					for len(ids) < n {
						ids = append(ids, client.next().ID)
					}
					checkSequence(t, ids, n)
				}
				if err := caddy.Stop(); err != nil {
					t.Error(err)
				}
				checkBridges(t, 0) // those that failed have let go of theirs
			})
		}
	}
}

func TestReloadThatChangesOrRemovesTheBridgeEndsItsStreams(t *testing.T) {
	resetProbes()
	c := newChat(time.Minute)
	up := backend(t, c.ServeHTTP)
	s := runCaddy(t, lifeSite(up, 0, "retry 100ms"))
	stop := c.publish(10 * time.Millisecond)
	defer stop()
	var clients []*follower
	for range soak(20, 500) {
		clients = append(clients, follow(t, s.url+"/messages"))
	}
	all := func(holds func(f *follower) bool) func() bool {
		return func() bool { return !slices.ContainsFunc(clients, func(f *follower) bool { return !holds(f) }) }
	}
	eventually(t, "events", all(func(f *follower) bool { return f.last() != "" }))

	at := time.Now()
	s.reload(lifeSite(up, 0, "retry 120ms"))
	eventually(t, "all streams on the new bridge", all(func(f *follower) bool {
		opened, _, _ := f.state()
		return opened >= 2
	}))
	var ends []time.Time
	for _, f := range clients {
		f.mu.Lock()
		ends = append(ends, f.ended...)
		f.mu.Unlock()
	}
	t.Logf("all of %d streams were back %s after the reload", len(clients), time.Since(at))
	if back := time.Since(at); back > 10*time.Second {
		t.Errorf("the last of the clients was back after %s", back)
	}
	first, last := slices.MinFunc(ends, time.Time.Compare), slices.MaxFunc(ends, time.Time.Compare)
	if len(ends) != len(clients) || last.Sub(first) < spread/4 {
		t.Errorf("%d streams of %d clients ended between %s and %s after the reload, want them spread over %s",
			len(ends), len(clients), first.Sub(at), last.Sub(at), spread)
	}

	allEnded := all(func(f *follower) bool {
		opened, ended, refused := f.state()
		return ended == opened && refused > 0
	})
	s.reload("{{site}} {\n\trespond 404\n}")
	eventually(t, "the end of all streams", allEnded)
	noneLeft(t)
	checkBridges(t, 0)

	s.reload(lifeSite(up, 1, "retry 100ms"))
	eventually(t, "all streams", all(func(f *follower) bool {
		opened, ended, _ := f.state()
		return opened > ended
	}))
	n := stop()
	for _, f := range clients {
		f.has(t, n)
	}
	if err := caddy.Stop(); err != nil {
		t.Error(err)
	}
	eventually(t, "the end of all streams", allEnded)
	noneLeft(t)
	checkBridges(t, 0)
}

func TestRoutesOfTheSameJSONShareTheirBridge(t *testing.T) {
	c := newChat(time.Minute)
	c.say("one")
	up := backend(t, c.ServeHTTP)
	bridge := strings.TrimPrefix(chatSite(up), "{{site}} {")
	bridge = strings.TrimSuffix(bridge, "\trespond 404\n}")
	other := strings.Replace(bridge, "/messages", "/others", 1)
	s := runCaddy(t, "{{site}} {"+bridge+other+"}")
	a, b := subscribe(t, s.url+"/messages"), subscribe(t, s.url+"/others")
	a.next()
	b.next()
	s.reload("{{site}} {" + other + "}")
	c.say("two")
	for _, client := range []*subscription{a, b} {
		if e := client.next(); e.Data != "two" {
			t.Errorf("got %+v", e)
		}
	}
	s.reload("{{site}} {\n\trespond 404\n}")
	a.ended()
	b.ended()
	noneLeft(t)
}

func TestPollsStartWithTheFirstClientAndStopAfterTheLast(t *testing.T) {
	eventually(t, "the end of what tests before have left", func() bool { return len(ourGoroutines()) == 0 })
	c := newChat(time.Minute)
	c.say("one")
	gone := make(chan time.Time, 10)
	s := runCaddy(t, chatSite(backend(t, func(w http.ResponseWriter, r *http.Request) {
		c.ServeHTTP(w, r)
		if r.Context().Err() != nil {
			gone <- time.Now()
		}
	})))
	resp, err := http.Get(s.url + "/messages")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	noneLeft(t)
	if polls := len(c.polled()); polls != 1 {
		t.Fatalf("there were %d requests to the backend, want the test's own alone", polls)
	}
	client := subscribe(t, s.url+"/messages")
	client.next()
	eventually(t, "the long poll", func() bool { return len(c.polled()) == 3 })
	left := time.Now()
	client.close()
	select {
	case at := <-gone:
		if after := at.Sub(left); after < defaultLinger-time.Second/2 {
			t.Errorf("the poll was given up %s after the last client left, want %s", after, defaultLinger)
		}
	case <-time.After(patience):
		t.Fatal("the poll goes on without a client")
	}
	noneLeft(t)
	if n := len(c.polled()); n != 3 {
		t.Errorf("the backend was asked %d times, want 3", n)
	}
}
