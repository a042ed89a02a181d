//go:build unix

package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/examples/demo/internal/testdemo"
)

var screenshots = flag.String("screenshots", "", "a folder for pictures of the demo, which are taken only with it")

// shown is one side of the page as it is seen.
type shown struct {
	Got, Check string
	Requests   int
}

// demoPage is the page of this demo.
type demoPage struct {
	*testdemo.Page
	t *testing.T
}

func start(t *testing.T) (*testdemo.Demo, demoPage) {
	t.Helper()
	d := testdemo.Start(t, ".", ".", "demo")
	return d, demoPage{testdemo.Open(t, d.URL), t}
}

func (p demoPage) side(id string) shown {
	p.t.Helper()
	return testdemo.Eval[shown](p.Page, `(side => {
		const text = name => side.element.querySelector('[data-text="' + name + '"]').textContent;
		return {Got: text('got'), Check: text('check'), Requests: side.requests};
	})(`+id+`)`)
}

// started waits until both sides have been checked for the first time.
func (p demoPage) started() {
	p.t.Helper()
	testdemo.Eventually(p.t, "both sides to be checked", func() bool {
		return strings.Contains(p.side("ajax").Check, "none lost") && strings.Contains(p.side("stream").Check, "none lost")
	})
}

// judged waits until the page says of a button that all is well.
func (p demoPage) judged(button string) {
	p.t.Helper()
	var text string
	testdemo.Eventually(p.t, "the verdict on "+button, func() bool {
		text = testdemo.Eval[string](p.Page, fmt.Sprintf("document.querySelector('[data-press=%s]').title", button))
		return text != ""
	})
	if !strings.HasSuffix(text, "None lost, none twice.") {
		p.t.Errorf("the page says of %s: %q", button, text)
	}
	if state := testdemo.Eval[string](p.Page, "verdict.dataset.state"); state == "broken" {
		p.t.Errorf("the page says: %s", testdemo.Eval[string](p.Page, "verdict.textContent"))
	}
	p.t.Log(text)
}

func TestEveryButtonLosesNothingAndThePageSaysSo(t *testing.T) {
	d, p := start(t)
	p.started()
	if got, want := testdemo.Eval[string](p.Page, `(() => {
		const ledger = new Ledger();
		[1, 2, 4, 4].forEach(id => ledger.take(id));
		return JSON.stringify(ledger.check(1, 6));
	})()`), `{"got":3,"total":6,"lost":1,"coming":2,"twice":1}`; got != want {
		t.Errorf("the page's check of messages 1, 2, 4, 4 of 6 finds %s, want %s", got, want)
	}

	p.Press("reload")
	p.judged("reload")
	if requests := p.side("stream").Requests; requests != 1 {
		t.Errorf("the stream took %d requests over a reload, want the first alone", requests)
	}
	p.Press("stop")
	testdemo.Eventually(t, "the page to miss something", func() bool {
		return strings.Contains(p.side("stream").Check, "still to come")
	})
	p.Press("cut")
	p.Press("clients")
	for _, button := range []string{"stop", "cut", "clients"} {
		p.judged(button)
	}
	testdemo.Eventually(t, "101 clients a side, of which those that poll do so 20 times a second at least", func() bool { // less after a stall
		polls := testdemo.Eval[map[string]float64](p.Page, `({ajax: rate(samples.length - 1, 'ajax', 'polls', RATE), stream: rate(samples.length - 1, 'stream', 'polls', RATE)})`)
		if polls["stream"] > 5 {
			t.Fatalf("with 101 clients a side the backend gets %v polls a second", polls)
		}
		return polls["ajax"] >= 20
	})
	if requests := p.side("stream").Requests; requests < 2 {
		t.Errorf("the stream took %d requests over a cut, want a second one", requests)
	}

	for _, id := range []string{"ajax", "stream"} {
		side := p.side(id)
		got, total, _ := strings.Cut(side.Got, " of ")
		if !strings.HasPrefix(side.Check, "none lost, none twice") || got == "" || got != total && !strings.Contains(side.Check, "still to come") {
			t.Errorf("%s: the page says %q, %q", id, side.Got, side.Check)
		}
	}
	p.NoTroubles()

	children := d.Children()
	if len(children) != 2 && runtime.GOOS == "linux" {
		t.Errorf("the demo runs %d processes, want Caddy and the backend", len(children))
	}
	d.Interrupt()
	for _, pid := range children {
		testdemo.Eventually(t, "the demo's processes to end", func() bool { return testdemo.Gone(pid) })
	}
	if left, err := os.ReadDir(d.Temp); err != nil || len(left) > 0 {
		t.Errorf("the demo leaves %v, %v", left, err)
	}
}

// TestScreenshots makes the pictures of the documentation. `make screenshots` runs it.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no folder is named with -screenshots")
	}
	_, p := start(t)
	p.started()
	testdemo.Eventually(t, "half a minute of charts", func() bool { return testdemo.Eval[int](p.Page, "samples.length") >= 40 })
	p.Picture(*screenshots, "running")

	p.Press("cut")
	p.judged("cut")
	p.Press("clients")
	p.judged("clients")
	testdemo.Eventually(t, "half a minute of charts with all clients", func() bool {
		return testdemo.Eval[bool](p.Page, "newest.stay > 0 && newest.stay < 35000")
	})
	p.Picture(*screenshots, "clients")
	p.Press("stop")
	testdemo.Eventually(t, "messages that wait in the backend", func() bool {
		return strings.Contains(p.side("stream").Check, "3 still to come")
	})
	p.Picture(*screenshots, "outage")
}
