package examples

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// TestPagesOfExamples opens the pages of examples, in one browser.
func TestPagesOfExamples(t *testing.T) {
	tab := browser.New(t)
	t.Run("rss", func(t *testing.T) { tryRSSPage(tab, t) })
	t.Run("cors", func(t *testing.T) { tryCORSPage(tab, t) })
	t.Run("shared-worker", func(t *testing.T) { trySharedWorker(tab, t) })
}

// evaluate returns the value of an expression in a tab.
func evaluate[T any](tab context.Context, t *testing.T, expression string) T {
	t.Helper()
	value, err := chromedp.Run(tab, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

// shows waits for a list of a page to have these lines.
func shows(tab context.Context, t *testing.T, selector string, want ...string) {
	t.Helper()
	var got []string
	defer func() {
		if t.Failed() {
			t.Logf("%s shows %q, want %q", selector, got, want)
		}
	}()
	testsite.Eventually(t, "the page to show what it should", func() bool {
		got = evaluate[[]string](tab, t, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent)`, selector))
		return slices.Equal(got, want)
	})
}

func tryRSSPage(tab context.Context, t *testing.T) {
	example := filepath.Join("examples", "rss")
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "site"), os.DirFS(filepath.Join(example, "site"))); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(example, "publish.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "publish.sh"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(folder, "site", "feed.xml")) // what somebody has tried
	publish := func(title string) {
		t.Helper()
		if said, err := exec.Command("sh", filepath.Join(folder, "publish.sh"), title).CombinedOutput(); err != nil {
			t.Fatalf("publishing %s: %v\n%s", title, err, said)
		}
	}
	caddyfile := testsite.RelativeRoot.ReplaceAllString(testsite.ExampleWith(t, "rss", nil), "${1}"+filepath.Join(folder, "site"))
	s := testsite.Run(t, strings.Replace(caddyfile, "interval 2s", "interval 50ms", 1))

	publish("Ham & <eggs>")
	publish("Toast")
	browser.Open(tab, t, s.URL+"/")
	shows(tab, t, "#entries li", "Toast", "Ham & <eggs>")
	publish("Tea")
	shows(tab, t, "#entries li", "Tea", "Toast", "Ham & <eggs>")
	shows(tab, t, "#note", "")

	writeRSS(t, filepath.Join(folder, "site"), 30, 2)
	shows(tab, t, "#entries li", "event 30", "event 29")
	shows(tab, t, "#note", "Some entries are no longer in the feed.")
	if resp, body := send(t, http.MethodGet, s.URL+"/feed.xml", "", nil); !strings.Contains(body, "<rss") {
		t.Errorf("a feed reader gets %s %s", resp.Status, body)
	}
}

func tryCORSPage(tab context.Context, t *testing.T) {
	_, err := exec.LookPath("node")
	testsite.Need(t, "Node", err)
	node := testsite.StartComponent(t, filepath.Join("examples", "cors"), nil, "node", "server.js")
	port := func(addr string) string {
		_, port, _ := net.SplitHostPort(addr)
		return port
	}
	here, bridge := "http://localhost:"+port(testport.Free(t)), port(testport.Free(t))
	caddyfile := testsite.ExampleWith(t, "cors", map[string]string{"PORT": port(node.Addr), "BRIDGE_PORT": bridge})
	testsite.Run(t, strings.ReplaceAll(caddyfile, "{{site}}", here))
	browser.Open(tab, t, here)
	shows(tab, t, "#greeting", `{"hello":"stranger"}`)
	shows(tab, t, "#greeting-with", `{"hello":"ann"}`)
	shows(tab, t, "#prices-with", "refused")
	testsite.Eventually(t, "a price", func() bool {
		return strings.HasPrefix(evaluate[string](tab, t, `document.getElementById("prices").textContent`), `{"price":`)
	})

	// the same page of an origin that is not listed
	browser.Open(tab, t, "http://"+testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bridge.js" {
			fmt.Fprintf(w, "const bridge = 'http://localhost:%s';", bridge)
			return
		}
		http.ServeFile(w, r, filepath.Join("examples", "cors", "site", "index.html"))
	}))
	shows(tab, t, "#greeting", "refused")
	shows(tab, t, "#greeting-with", "refused")
	testsite.Eventually(t, "a price, which any page may have", func() bool {
		return strings.HasPrefix(evaluate[string](tab, t, `document.getElementById("prices").textContent`), `{"price":`)
	})
}

// trySharedWorker opens more tabs than a browser has connections.
func trySharedWorker(tab context.Context, t *testing.T) {
	site := t.TempDir()
	if err := os.CopyFS(site, os.DirFS(filepath.Join("examples", "shared-worker", "site"))); err != nil {
		t.Fatal(err)
	}
	caddyfile := testsite.RelativeRoot.ReplaceAllString(testsite.ExampleWith(t, "shared-worker", nil), "${1}"+site)
	s := testsite.Run(t, strings.Replace(caddyfile, "interval 1s", "interval 50ms", 1))
	w := testsite.NewWire(t, s.Addr)
	streams := func() int { return strings.Count(w.Sent.String(), "text/event-stream") }

	tabs := []context.Context{tab}
	for range 7 {
		another, cancel := chromedp.NewContext(tab)
		t.Cleanup(cancel)
		tabs = append(tabs, another)
	}
	for _, tab := range tabs {
		browser.Open(tab, t, w.URL)
		shows(tab, t, "#news li", "The first news", "The second news")
	}
	news := `{"news": [{"id": 2, "text": "The second news"}, {"id": 3, "text": "The third news"}]}`
	next := filepath.Join(t.TempDir(), "news.json")
	if err := os.WriteFile(next, []byte(news), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(site, "news.json")); err != nil {
		t.Fatal(err)
	}
	for _, tab := range tabs {
		shows(tab, t, "#news li", "The first news", "The second news", "The third news")
	}
	if n := streams(); n != 1 {
		t.Errorf("%d tabs have opened %d streams", len(tabs), n)
	}

	without := tabs[1]
	if err := chromedp.Do(without, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, page.AddScriptToEvaluateOnNewDocument,
			page.AddScriptToEvaluateOnNewDocumentParams{Source: "delete window.SharedWorker"})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	browser.Open(without, t, w.URL)
	shows(without, t, "#way", "a stream of this tab")
	shows(without, t, "#news li", "The second news", "The third news")
	if n := streams(); n != 2 {
		t.Errorf("with a tab that has no SharedWorker there are %d streams", n)
	}
}
