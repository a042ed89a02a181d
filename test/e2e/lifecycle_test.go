package e2e

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
	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testclock"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// checkBridges checks how many bridges there are.
func checkBridges(t *testing.T, want int) {
	t.Helper()
	if got := len(bridge.All()); got != want {
		t.Errorf("there are %d bridges, want %d", got, want)
	}
}

func TestReloadThatLeavesTheBridgeAloneCutsNothing(t *testing.T) {
	resetProbes()
	c := testsite.NewChat(time.Minute)
	up := testsite.Backend(t, c.ServeHTTP)
	stop := c.Publish(2 * time.Millisecond)
	defer stop()
	site := func(unrelated int) string { // without idle connections, which Caddy keeps for two minutes
		return strings.Replace(testsite.LifeSite(up, unrelated), "reverse_proxy "+up, "reverse_proxy "+up+" {\n\t\t\t\t\t\ttransport http {\n\t\t\t\t\t\t\tkeepalive off\n\t\t\t\t\t\t}\n\t\t\t\t\t}", 1)
	}
	s := testsite.Run(t, site(0))
	transport := &http.Transport{} // whose connections are those of the streams
	t.Cleanup(transport.CloseIdleConnections)
	var clients []*testsite.Subscription
	for range testsite.Soak(8, 200) {
		clients = append(clients, testsite.SubscribeWith(t, transport, s.URL+"/messages"))
	}
	goroutines, all := len(ourGoroutines()), runtime.NumGoroutine()
	reloads := testsite.Soak(12, 50)
	for i := 1; i <= reloads; i++ {
		config := site(i % 3)
		if i%2 == 0 {
			config = strings.Replace(config, "{{site}} {", "{{site}} {\n\tlog {\n\t\toutput discard\n\t}", 1)
		}
		s.Reload(config)
		polled := func(n int) func() bool { return func() bool { return probed()[i] >= n } }
		testsite.Eventually(t, "polls of the new configuration", polled(40))
		old := probed()[:i]
		testsite.Eventually(t, "more polls of the new configuration", polled(80))
		if now := probed()[:i]; !slices.Equal(now, old) {
			t.Fatalf("after reload %d the polls of earlier configurations went on: %v, then %v", i, old, now)
		}
	}
	checkBridges(t, 1)
	n := stop()
	testsite.Eventually(t, "as many goroutines as before", func() bool { return len(ourGoroutines()) <= goroutines })
	// Caddy keeps two for a configuration whose streams are open, and all of those are of the first
	testsite.Eventually(t, "as many goroutines in all as before", func() bool { return runtime.NumGoroutine() <= all+2+5 })
	t.Logf("%d goroutines before %d reloads, %d after; %d events to %d streams", all, reloads, runtime.NumGoroutine(), n, len(clients))
	for _, client := range clients {
		var ids []string
		for len(ids) < n {
			ids = append(ids, client.Next().ID)
		}
		checkSequence(t, ids, n)
		if len(client.Events) > 0 {
			t.Errorf("%+v came after the last event", client.Next())
		}
		select {
		case <-client.Events:
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
				c := testsite.NewChat(time.Minute)
				up := testsite.Backend(t, c.ServeHTTP)
				stop := c.Publish(2 * time.Millisecond)
				defer stop()
				s := testsite.Run(t, testsite.LifeSite(up, 0))
				var clients []*testsite.Subscription
				for range testsite.Soak(4, 500) {
					clients = append(clients, testsite.Subscribe(t, s.URL+"/messages"))
				}
				sabotage = func() error { // polls go on while the new configuration is there
					if len(probed()) < 2 {
						t.Error("the new bridge was not there yet")
					}
					before := probed()[0]
					testsite.Eventually(t, "polls while the configuration loads", func() bool { return probed()[0] > before+20 })
					return errors.New("sabotaged")
				}
				defer func() { sabotage = func() error { return nil } }()
				for range 3 {
					if err := s.Load(test.change(testsite.LifeSite(up, 1, bridge.lines...))); err == nil || !strings.Contains(err.Error(), test.why) {
						t.Fatalf("loading the configuration: %v, want %q", err, test.why)
					}
				}
				if passed := probed(); len(passed) < 2 || slices.Max(passed[1:]) > 0 {
					t.Errorf("polls of the configurations, the first of which runs: %v", passed)
				}
				checkBridges(t, 1)
				before := probed()[0]
				testsite.Eventually(t, "polls of the old configuration", func() bool { return probed()[0] > before+20 })

				s.Reload(testsite.LifeSite(up, 2)) // a good one does take over
				testsite.Eventually(t, "polls of the new configuration", func() bool { p := probed(); return p[len(p)-1] > 20 })
				n := stop()
				for _, client := range clients {
					var ids []string
					for len(ids) < n {
						ids = append(ids, client.Next().ID)
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

// spread is over how long the streams of a bridge end that has changed or gone.
const spread = 4 * time.Second

func TestReloadThatChangesOrRemovesTheBridgeEndsItsStreams(t *testing.T) {
	resetProbes()
	c := testsite.NewChat(time.Minute)
	up := testsite.Backend(t, c.ServeHTTP)
	s := testsite.Run(t, testsite.LifeSite(up, 0, "retry 100ms"))
	stop := c.Publish(10 * time.Millisecond)
	defer stop()
	var clients []*follower
	for range testsite.Soak(20, 500) {
		clients = append(clients, follow(t, s.URL+"/messages"))
	}
	all := func(holds func(f *follower) bool) func() bool {
		return func() bool { return !slices.ContainsFunc(clients, func(f *follower) bool { return !holds(f) }) }
	}
	testsite.Eventually(t, "events", all(func(f *follower) bool { return f.last() != "" }))

	clock := testclock.New(t)
	at := time.Now()
	s.Reload(testsite.LifeSite(up, 0, "retry 120ms"))
	testsite.Eventually(t, "all streams on the new bridge", all(func(f *follower) bool {
		opened, _, _ := f.state()
		return opened >= 2
	}))
	back, ran := time.Since(at), clock.Now()
	var ends []time.Time
	for _, f := range clients {
		f.mu.Lock()
		ends = append(ends, f.ended...)
		f.mu.Unlock()
	}
	t.Logf("all of %d streams were back %s after the reload, of which the test ran for %s", len(clients), back, ran)
	if ran > 10*time.Second {
		t.Errorf("the last of the clients was back after %s", ran)
	}
	first, last := slices.MinFunc(ends, time.Time.Compare), slices.MaxFunc(ends, time.Time.Compare)
	held := back-ran > spread/4 // a machine that had no time for the test may have had the streams end together
	if len(ends) != len(clients) || last.Sub(first) < spread/4 && !held {
		t.Errorf("%d streams of %d clients ended between %s and %s after the reload, want them spread over %s",
			len(ends), len(clients), first.Sub(at), last.Sub(at), spread)
	}

	allEnded := all(func(f *follower) bool {
		opened, ended, refused := f.state()
		return ended == opened && refused > 0
	})
	s.Reload("{{site}} {\n\trespond 404\n}")
	testsite.Eventually(t, "the end of all streams", allEnded)
	noneLeft(t)
	checkBridges(t, 0)

	s.Reload(testsite.LifeSite(up, 1, "retry 100ms"))
	testsite.Eventually(t, "all streams", all(func(f *follower) bool {
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
	testsite.Eventually(t, "the end of all streams", allEnded)
	noneLeft(t)
	checkBridges(t, 0)
}

func TestRoutesOfTheSameJSONShareTheirBridge(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	c.Say("one")
	up := testsite.Backend(t, c.ServeHTTP)
	bridge := strings.TrimPrefix(testsite.ChatSite(up), "{{site}} {")
	bridge = strings.TrimSuffix(bridge, "\trespond 404\n}")
	other := strings.Replace(bridge, "/messages", "/others", 1)
	s := testsite.Run(t, "{{site}} {"+bridge+other+"}")
	a, b := testsite.Subscribe(t, s.URL+"/messages"), testsite.Subscribe(t, s.URL+"/others")
	a.Next()
	b.Next()
	s.Reload("{{site}} {" + other + "}")
	c.Say("two")
	for _, client := range []*testsite.Subscription{a, b} {
		if e := client.Next(); e.Data != "two" {
			t.Errorf("got %+v", e)
		}
	}
	s.Reload("{{site}} {\n\trespond 404\n}")
	a.Ended()
	b.Ended()
	noneLeft(t)
}

func TestPollsStartWithTheFirstClientAndStopAfterTheLast(t *testing.T) {
	testsite.Eventually(t, "the end of what tests before have left", func() bool { return len(ourGoroutines()) == 0 })
	c := testsite.NewChat(time.Minute)
	c.Say("one")
	gone := make(chan time.Time, 10)
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		c.ServeHTTP(w, r)
		if r.Context().Err() != nil {
			gone <- time.Now()
		}
	})))
	resp, err := http.Get(s.URL + "/messages")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	noneLeft(t)
	if polls := len(c.Polled()); polls != 1 {
		t.Fatalf("there were %d requests to the backend, want the test's own alone", polls)
	}
	client := testsite.Subscribe(t, s.URL+"/messages")
	client.Next()
	testsite.Eventually(t, "the long poll", func() bool { return len(c.Polled()) == 3 })
	left := time.Now()
	client.Close()
	select {
	case at := <-gone:
		if after := at.Sub(left); after < config.DefaultLinger-time.Second/2 {
			t.Errorf("the poll was given up %s after the last client left, want %s", after, config.DefaultLinger)
		}
	case <-time.After(testsite.Patience):
		t.Fatal("the poll goes on without a client")
	}
	noneLeft(t)
	if n := len(c.Polled()); n != 3 {
		t.Errorf("the backend was asked %d times, want 3", n)
	}
}
