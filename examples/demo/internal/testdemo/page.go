//go:build unix

package testdemo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// Page is a demo in a browser.
type Page struct {
	t   *testing.T
	Tab context.Context

	mu       sync.Mutex
	troubles []string // exceptions, and what the console shows as an error
}

// Open starts a Chromium with a profile of its own, and opens the page.
func Open(t *testing.T, url string) *Page {
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
	p := &Page{t: t}
	p.Tab, _ = chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(p.Tab); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("closing the browser: %v", err)
		}
		stop()
		chromedp.FromContext(p.Tab).Allocator.Wait()
		// Its helper processes may still write for a moment.
		Eventually(t, "the browser's profile to be let go", func() bool { return os.RemoveAll(profile) == nil })
	})
	if err := chromedp.Do(p.Tab, chromedp.EmulateViewport(1280, 800), lightColours); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	if err := chromedp.Listen(p.Tab, p.listen); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(p.Tab, chromedp.Navigate(url)); err != nil {
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
func (p *Page) listen(event any) {
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

// NoTroubles fails the test for what went wrong in the page.
func (p *Page) NoTroubles() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, trouble := range p.troubles {
		p.t.Errorf("the browser's console says: %s", trouble)
	}
}

// Press clicks a button.
func (p *Page) Press(name string) {
	p.t.Helper()
	if err := chromedp.Do(p.Tab, chromedp.Click(fmt.Sprintf("[data-press=%s]", name))); err != nil {
		p.t.Fatalf("pressing %s: %v", name, err)
	}
}

// Eval returns what a script of the page yields.
func Eval[T any](p *Page, script string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.Tab, chromedp.Evaluate[T](script))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// Picture writes a picture of the page to a folder.
func (p *Page) Picture(folder, name string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.Tab, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("taking the picture %s: %v", name, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
