//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/testdemo"
)

// running is a running `make cluster`.
type running struct {
	*testdemo.Demo
	t *testing.T
}

func start(t *testing.T) running {
	t.Helper()
	return running{testdemo.Start(t, "..", "./cluster", "cluster"), t}
}

// state is what the page is told.
func (r running) state() (s state) {
	r.t.Helper()
	text := r.do(http.MethodGet, r.URL+"/control/state", http.StatusOK)
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		r.t.Fatalf("%v in %s", err, text)
	}
	return s
}

func (r running) do(method, url string, want int) string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, url, http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		r.t.Fatalf("%s %s: %d %s, %v", method, url, response.StatusCode, text, err)
	}
	return string(text)
}

// standings are what the nodes do, sorted.
func (s state) standings() string {
	var all []string
	for _, n := range s.Nodes {
		all = append(all, string(n.Standing))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// poller is the node that polls for all.
func (s state) poller() (n nodeState, found bool) {
	i := slices.IndexFunc(s.Nodes, func(n nodeState) bool { return n.Standing == polls })
	if i < 0 {
		return n, false
	}
	return s.Nodes[i], true
}

// shared waits until all nodes are there, and one of them polls for all.
func (r running) shared() (s state) {
	r.t.Helper()
	testdemo.Eventually(r.t, "one node to poll for all", func() bool {
		s = r.state()
		return s.standings() == "follows follows polls"
	})
	return s
}

// pollsUntil returns the polls that each node sends until there were as many messages.
func (r running) pollsUntil(messages int64) (sent []int64) {
	r.t.Helper()
	first := r.state()
	now := first
	testdemo.Eventually(r.t, "messages", func() bool {
		now = r.state()
		return now.Said >= first.Said+messages
	})
	for i, n := range now.Nodes {
		sent = append(sent, n.Polls-first.Nodes[i].Polls)
	}
	return sent
}

func (r running) nothingIsLost() {
	r.t.Helper()
	if v := r.state().Visitors; v.Received == 0 || v.Lost > 0 || v.Twice > 0 {
		r.t.Errorf("of the clients' messages %d came, %d were lost, %d came twice", v.Received, v.Lost, v.Twice)
	}
}

// with is the same for a part of the test.
func (r running) with(t *testing.T) running { return running{r.Demo, t} }

// pollsAsOne fails the test if other nodes than one poll.
func (r running) pollsAsOne() {
	r.t.Helper()
	if sent := r.pollsUntil(5); slices.Max(sent) < 4 || slices.Max(sent) != sent[0]+sent[1]+sent[2] {
		r.t.Errorf("the nodes sent %v polls, which should be one node's", sent)
	}
}

// The parts share what runs, since it takes seconds to build and to start.
func TestThreeNodesAreOne(t *testing.T) {
	r := start(t)
	r.shared()
	t.Run("one polls for all", func(t *testing.T) { r.with(t).pollsAsOne() })
	t.Run("what clients say of their host does not part them", func(t *testing.T) { oneFeedWhateverClientsSay(r.with(t)) })
	t.Run("another polls when it is killed", func(t *testing.T) { another(r.with(t)) })
	t.Run("each polls for itself without NATS", func(t *testing.T) { eachForItself(r.with(t)) })
	t.Run("Ctrl-C ends all while a node is dead", func(t *testing.T) { ends(r.with(t)) })
}

// What a client says of host and scheme is part of what clients share only if a trusted proxy says it.
func oneFeedWhateverClientsSay(r running) {
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.URL+"/messages", http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Accept": "text/event-stream", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com", "X-Forwarded-For": "203.0.113.9",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := response.Body.Read(make([]byte, 1)); err != nil || response.StatusCode != http.StatusOK {
		r.t.Fatalf("the stream is answered with %d, %v", response.StatusCode, err)
	}
	pages := regexp.MustCompile(`http://localhost:\d+/sse_bridge/`).FindAllString(r.Output(), -1)
	if len(pages) != len(nodeNames) {
		r.t.Fatalf("the status pages are said to be %q", pages)
	}
	for _, page := range pages {
		var answer struct{ Feeds []reportedFeed }
		if text := r.do(http.MethodGet, page+"feeds", http.StatusOK); json.Unmarshal([]byte(text), &answer) != nil || len(answer.Feeds) != 1 {
			r.t.Errorf("%s has not one feed, but\n%s", page, text)
		}
	}
}

func another(r running) {
	killed, _ := r.shared().poller()
	r.do(http.MethodPost, r.URL+"/control/kill", http.StatusNoContent)
	at := time.Now()
	testdemo.Eventually(r.t, "the node to be gone", func() bool { return testdemo.Gone(killed.PID) })
	testdemo.Eventually(r.t, "another node to poll for all", func() bool {
		n, found := r.state().poller()
		return found && n.Name != killed.Name
	})
	r.t.Logf("another node polls for all after %s", time.Since(at).Round(time.Millisecond))
	after := r.shared() // once the node is back
	r.pollsAsOne()
	if i := slices.IndexFunc(after.Nodes, func(n nodeState) bool { return n.Name == killed.Name }); after.Nodes[i].PID == killed.PID {
		r.t.Errorf("node %s is the process %d as before", killed.Name, killed.PID)
	}
	r.nothingIsLost()
}

func eachForItself(r running) {
	for range 3 {
		if r.pollsAlone() {
			r.shared()
			r.nothingIsLost()
			return
		}
	}
	r.t.Error("in three outages of the NATS server there was none in which each node polled for itself")
}

// pollsAlone stops the NATS server, and reports whether each node has polled for itself until it is back. On a machine that is held up
// for long, an outage is over before.
func (r running) pollsAlone() bool {
	r.t.Helper()
	r.shared()
	r.do(http.MethodPost, r.URL+"/control/nats", http.StatusNoContent)
	r.do(http.MethodPost, r.URL+"/control/nats", http.StatusConflict)
	var s state
	testdemo.Eventually(r.t, "each node to poll for itself, or the end of the outage", func() bool {
		s = r.state()
		return s.standings() == "alone alone alone" || s.Away == 0
	})
	if s.Away == 0 {
		return false
	}
	r.do(http.MethodPost, r.URL+"/control/kill", http.StatusConflict)
	sent := r.pollsUntil(5)
	if slices.Min(sent) >= 4 {
		return true
	}
	if r.state().Away > 0 {
		r.t.Fatalf("the nodes sent %v polls, want some of each", sent)
	}
	return false
}

func ends(r running) {
	r.do(http.MethodPost, r.URL+"/control/kill", http.StatusNoContent)
	children := r.Children()
	if len(children) < 4 && runtime.GOOS == "linux" {
		r.t.Errorf("%d processes run, want the backend, the balancer and two nodes at least", len(children))
	}
	r.Interrupt()
	for _, pid := range children {
		testdemo.Eventually(r.t, "all processes to end", func() bool { return testdemo.Gone(pid) })
	}
	if left, err := os.ReadDir(r.Temp); err != nil || len(left) > 0 {
		r.t.Errorf("left are %v, %v", left, err)
	}
}
