//go:build unix

package main

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "a folder for pictures of the demo, which are taken only with it")

// shown is one side of the page as it is seen.
type shown struct {
	Got, Check string
	Requests   int
}

func (p *page) side(id string) shown {
	p.t.Helper()
	return eval[shown](p, `(side => {
		const text = name => side.element.querySelector('[data-text="' + name + '"]').textContent;
		return {Got: text('got'), Check: text('check'), Requests: side.requests};
	})(`+id+`)`)
}

// started waits until both sides have been checked for the first time.
func (p *page) started() {
	p.t.Helper()
	eventually(p.t, "both sides to be checked", func() bool {
		return strings.Contains(p.side("ajax").Check, "none lost") && strings.Contains(p.side("stream").Check, "none lost")
	})
}

func TestEveryButtonLosesNothingAndThePageSaysSo(t *testing.T) {
	d := startDemo(t)
	p := openPage(t, d.url)
	p.started()
	if got, want := eval[string](p, `(() => {
		const ledger = new Ledger();
		[1, 2, 4, 4].forEach(id => ledger.take(id));
		return JSON.stringify(ledger.check(1, 6));
	})()`), `{"got":3,"total":6,"lost":1,"coming":2,"twice":1}`; got != want {
		t.Errorf("the page's check of messages 1, 2, 4, 4 of 6 finds %s, want %s", got, want)
	}

	p.press("reload")
	p.judged("reload")
	if requests := p.side("stream").Requests; requests != 1 {
		t.Errorf("the stream took %d requests over a reload, want the first alone", requests)
	}
	p.press("stop")
	eventually(t, "the page to miss something", func() bool {
		return strings.Contains(p.side("stream").Check, "still to come")
	})
	p.press("cut")
	p.press("clients")
	for _, button := range []string{"stop", "cut", "clients"} {
		p.judged(button)
	}
	if polls := eval[map[string]float64](p, `({ajax: rate(samples.length - 1, 'ajax', 'polls', RATE), stream: rate(samples.length - 1, 'stream', 'polls', RATE)})`); polls["ajax"] < 20 || polls["stream"] > 5 {
		t.Errorf("with 101 clients a side the backend gets %v polls a second", polls)
	}
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
	p.noTroubles()

	children := d.children()
	if len(children) != 2 && runtime.GOOS == "linux" {
		t.Errorf("the demo runs %d processes, want Caddy and the backend", len(children))
	}
	d.interrupt()
	for _, pid := range children {
		eventually(t, "the demo's processes to end", func() bool { return gone(pid) })
	}
	if left, err := os.ReadDir(d.temp); err != nil || len(left) > 0 {
		t.Errorf("the demo leaves %v, %v", left, err)
	}
}

// TestScreenshots makes the pictures of the documentation. `make screenshots` runs it.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no folder is named with -screenshots")
	}
	d := startDemo(t)
	p := openPage(t, d.url)
	p.started()
	eventually(t, "half a minute of charts", func() bool { return eval[int](p, "samples.length") >= 40 })
	p.picture("running")

	p.press("cut")
	p.judged("cut")
	p.press("clients")
	p.judged("clients")
	eventually(t, "half a minute of charts with all clients", func() bool {
		return eval[bool](p, "newest.stay > 0 && newest.stay < 35000")
	})
	p.picture("clients")
	p.press("stop")
	eventually(t, "messages that wait in the backend", func() bool {
		return strings.Contains(p.side("stream").Check, "3 still to come")
	})
	p.picture("outage")
}

func (p *page) picture(name string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.tab, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("taking the picture %s: %v", name, err)
	}
	if err := os.MkdirAll(*screenshots, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
