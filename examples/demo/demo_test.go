//go:build unix

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "a folder for pictures of the demo, which are taken only with it")

// side is one side of the page as it is shown, and what its ledger holds.
type shown struct {
	Got, Check, Polls string
	Requests          int
	Newest            int64
}

func (p *page) side(id string) shown {
	p.t.Helper()
	return eval[shown](p, `(side => {
		const text = name => side.element.querySelector('[data-text="' + name + '"]').textContent;
		return {Got: text('got'), Check: text('check'), Polls: text('polls'), Requests: side.requests, Newest: side.ledger.newest};
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
	p := openPage(t, d.url, 1280, 800, "light")
	p.started()

	p.press("reload")
	p.judged("reload")
	if requests := p.side("stream").Requests; requests != 1 {
		t.Errorf("the stream took %d requests over a reload, want the first alone", requests)
	}
	p.press("cut")
	p.judged("cut")
	if requests := p.side("stream").Requests; requests < 2 {
		t.Errorf("the stream took %d requests over a cut, want a second one", requests)
	}
	p.press("clients")
	p.judged("clients")
	p.press("stop")
	p.judged("stop")

	for _, id := range []string{"ajax", "stream"} {
		side := p.side(id)
		got, total, _ := strings.Cut(side.Got, " of ")
		if !strings.HasPrefix(side.Check, "none lost, none twice") || got == "" || got != total && !strings.Contains(side.Check, "still to come") {
			t.Errorf("%s: the page says %q, %q", id, side.Got, side.Check)
		}
	}
	p.noTroubles()

	children := d.children()
	if len(children) != 2 {
		t.Errorf("the demo runs %d processes, want Caddy and the backend", len(children))
	}
	d.interrupt()
	for _, pid := range children {
		eventually(t, "the demo's processes to end", func() bool { return gone(pid) })
	}
}

// TestScreenshots makes the pictures of the documentation. `make screenshots` runs it.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no folder is named with -screenshots")
	}
	d := startDemo(t)
	p := openPage(t, d.url, 1280, 800, "light")
	p.started()
	eventually(t, "half a minute of charts", func() bool { return eval[int](p, "samples.length") >= 40 })
	p.picture("running")

	p.press("cut")
	p.judged("cut")
	p.press("stop")
	eventually(t, "messages that wait in the backend", func() bool {
		return strings.Contains(p.side("stream").Check, "3 still to come")
	})
	p.picture("outage")
	p.judged("stop")
	p.press("clients")
	p.judged("clients")
	eventually(t, "the charts with all clients", func() bool { return strings.HasPrefix(p.side("ajax").Polls, "50") })
	p.picture("clients")
	if err := chromedp.Do(p.tab, colours("dark"), chromedp.EmulateViewport(390, 844)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the charts to be drawn anew", func() bool {
		return eval[bool](p, "samples.at(-1).came > performance.timeOrigin + performance.now() - 100")
	})
	p.picture("phone")
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
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
