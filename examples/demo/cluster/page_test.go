//go:build unix

package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/testdemo"
)

var screenshots = flag.String("screenshots", "", "a folder for pictures of the page, which are taken only with it")

// text is what the page shows in an element.
func text(p *testdemo.Page, id string) string {
	return testdemo.Eval[string](p, fmt.Sprintf("document.getElementById(%q).innerText", id))
}

// pressed presses a button, and waits for what the page says when it is over.
func pressed(t *testing.T, p *testdemo.Page, button string) (said string) {
	t.Helper()
	p.Press(button)
	testdemo.Eventually(t, "the verdict on "+button, func() bool {
		said = testdemo.Eval[string](p, fmt.Sprintf("document.querySelector('[data-press=%s]').title", button))
		return said != ""
	})
	t.Log(said)
	if !strings.HasSuffix(said, "None lost, none twice.") {
		t.Errorf("the page says of %s: %q", button, said)
	}
	return said
}

func TestThePageShowsWhoPollsAndThatNothingIsLost(t *testing.T) {
	r := start(t)
	p := testdemo.Open(t, r.URL)
	testdemo.Eventually(t, "two polls a second", func() bool { return text(p, "polls") == "2.0" && text(p, "without") == "6.0" })
	poller, _ := r.shared().poller()
	if who := text(p, "who"); who != fmt.Sprintf("node %s polls for all", poller.Name) {
		t.Errorf("node %s polls, and the page says %q", poller.Name, who)
	}
	mine := testdemo.Eval[string](p, "myNode")
	if state := text(p, "stream-state") + text(p, "stream-node"); !strings.Contains("one two three", mine) || mine == "" || !strings.Contains(state, "connected") {
		t.Errorf("the page's stream is that of node %q, and its state %q", mine, state)
	}
	for range 2 {
		poller, _ := r.shared().poller()
		said := pressed(t, p, "kill")
		if !strings.HasPrefix(said, fmt.Sprintf("Node %s (process %d) was killed.", poller.Name, poller.PID)) {
			t.Errorf("node %s, process %d, polled, and the page says %q", poller.Name, poller.PID, said)
		}
	}
	if check := testdemo.Eval[string](p, "document.querySelector('#stream .got').innerText"); !strings.Contains(check, "none lost, none twice") {
		t.Errorf("the page says %q", check)
	}
	if wide := testdemo.Eval[bool](p, "document.documentElement.scrollWidth > innerWidth"); wide {
		t.Error("the page is wider than the window")
	}
	p.NoTroubles()
}

// TestScreenshots makes the picture of the documentation. `make screenshots` runs it.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no folder is named with -screenshots")
	}
	r := start(t)
	p := testdemo.Open(t, r.URL)
	testdemo.Eventually(t, "half a minute of charts", func() bool { return testdemo.Eval[bool](p, "samples.length > 120") })
	pressed(t, p, "nats")
	pressed(t, p, "kill")
	p.Picture(*screenshots, "cluster")
}
