//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// page is the demo in a browser.
type page struct {
	t   *testing.T
	tab context.Context

	mu       sync.Mutex
	troubles []string // exceptions, and what the console shows as an error
}

// openPage starts a Chromium with a profile of its own, and opens the page.
func openPage(t *testing.T, url string) *page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("Chromium (Debian: chromium) is missing: %v", err)
	}
	if err != nil {
		t.Skipf("Chromium (Debian: chromium) is missing: %v", err)
	}
	profile := t.TempDir()
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.Headless,
		chromedp.NoSandbox, // there is none for root in a container
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	p := &page{t: t}
	p.tab, _ = chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(p.tab); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("closing the browser: %v", err)
		}
		stop()
		chromedp.FromContext(p.tab).Allocator.Wait()
		// Its helper processes may still write for a moment.
		eventually(t, "the browser's profile to be let go", func() bool { return os.RemoveAll(profile) == nil })
	})
	if err := chromedp.Do(p.tab, chromedp.EmulateViewport(1280, 800), lightColours); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	if err := chromedp.Listen(p.tab, p.listen); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(p.tab, chromedp.Navigate(url)); err != nil {
		t.Fatalf("opening %s: %v", url, err)
	}
	return p
}

func lightColours(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}},
	})
	return chromedp.Void{}, err
}

// listen keeps what goes wrong in the page. That requests fail is part of the demo.
func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, fmt.Sprintf("%s %s:%d", event.ExceptionDetails.Text, event.ExceptionDetails.URL, event.ExceptionDetails.LineNumber+1))
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.ConsoleAPICalledTypeError {
			for _, arg := range event.Args {
				p.troubles = append(p.troubles, fmt.Sprintf("console.error: %s %s", arg.Value, arg.Description))
			}
		}
	case *cdplog.EventEntryAdded:
		failedPoll := event.Entry.Source == cdplog.EntrySourceNetwork && strings.Contains(event.Entry.URL, "/messages")
		if event.Entry.Level == cdplog.EntryLevelError && !failedPoll {
			p.troubles = append(p.troubles, event.Entry.Text+" "+event.Entry.URL)
		}
	}
}

func (p *page) noTroubles() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, trouble := range p.troubles {
		p.t.Errorf("the browser's console says: %s", trouble)
	}
}

// press clicks a button.
func (p *page) press(name string) {
	p.t.Helper()
	if err := chromedp.Do(p.tab, chromedp.Click(fmt.Sprintf("[data-press=%s]", name))); err != nil {
		p.t.Fatalf("pressing %s: %v", name, err)
	}
}

// eval returns what a script of the page yields.
func eval[T any](p *page, script string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.tab, chromedp.Evaluate[T](script))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// judged waits until the page says of a button that all is well.
func (p *page) judged(button string) {
	p.t.Helper()
	var text string
	eventually(p.t, "the verdict on "+button, func() bool {
		text = eval[string](p, fmt.Sprintf("document.querySelector('[data-press=%s]').title", button))
		return text != ""
	})
	if !strings.HasSuffix(text, "None lost, none twice.") {
		p.t.Errorf("the page says of %s: %q", button, text)
	}
	if state := eval[string](p, "verdict.dataset.state"); state == "broken" {
		p.t.Errorf("the page says: %s", eval[string](p, "verdict.textContent"))
	}
	p.t.Log(text)
}
