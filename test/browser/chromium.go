package browser

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Chromium is a tab of a Chromium.
type Chromium struct {
	Tab context.Context
}

// NewChromium starts a Chromium for pages that are light or dark.
func NewChromium(t *testing.T, dark bool) *Chromium {
	t.Helper()
	c := &Chromium{New(t)}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	if err := chromedp.Do(c.Tab, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})); err != nil {
		t.Fatalf("choosing the %s colours: %v", scheme, err)
	}
	return c
}

// Open opens a URL, and returns when the page has loaded.
func (c *Chromium) Open(t *testing.T, url string) {
	t.Helper()
	Open(c.Tab, t, url)
}

// Evaluate decodes the value of an expression, or what its promise yields, into what the pointer points to.
func (c *Chromium) Evaluate(t *testing.T, expression string, value any) {
	t.Helper()
	script := "(async () => JSON.stringify((await (" + expression + "\n)) ?? null))()"
	text, err := chromedp.Run(c.Tab, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluating %s: %v", shortened(expression), err)
	}
	if err := json.Unmarshal([]byte(text), value); err != nil {
		t.Fatalf("evaluating %s: it is %s: %v", shortened(expression), text, err)
	}
}

// Resize gives the page a size in pixels.
func (c *Chromium) Resize(t *testing.T, width, height int) {
	t.Helper()
	if err := chromedp.Do(c.Tab, chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		t.Fatalf("resizing the tab: %v", err)
	}
}

// Picture returns what the tab shows, as a PNG.
func (c *Chromium) Picture(t *testing.T) []byte {
	t.Helper()
	picture, err := chromedp.Run(c.Tab, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatalf("taking a picture: %v", err)
	}
	return picture
}
