package browser

import "testing"

// Page is a page in a browser, whatever its engine.
type Page interface {
	// Open opens a URL, and returns when the page has loaded.
	Open(t *testing.T, url string)
	// Evaluate decodes the value of an expression, or what its promise yields, into what the pointer points to.
	Evaluate(t *testing.T, expression string, value any)
	// Resize gives the page a size in pixels.
	Resize(t *testing.T, width, height int)
	// Picture returns what is seen, as a PNG.
	Picture(t *testing.T) []byte
}

// InEach runs a test in each engine, as subtests.
func InEach(t *testing.T, test func(t *testing.T, p Page)) {
	t.Helper()
	t.Run("chromium", func(t *testing.T) { test(t, NewChromium(t, false)) })
	t.Run("webkit", func(t *testing.T) { test(t, NewWebKit(t)) })
}

// InEachTheme runs a test in each engine with light colours and with dark ones, as subtests.
func InEachTheme(t *testing.T, test func(t *testing.T, p Page)) {
	t.Helper()
	t.Run("chromium/light", func(t *testing.T) { test(t, NewChromium(t, false)) })
	t.Run("chromium/dark", func(t *testing.T) { test(t, NewChromium(t, true)) })
	t.Run("webkit/light", func(t *testing.T) { test(t, NewWebKit(t)) })
	t.Run("webkit/dark", func(t *testing.T) { test(t, NewWebKit(t, "--dark-mode")) })
}

// Interface guards
var (
	_ Page = (*Chromium)(nil)
	_ Page = (*WebKit)(nil)
)
