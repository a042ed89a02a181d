package browser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// WebKit is a window of WebKitGTK's MiniBrowser, on a display of its own, with no bar: its size is that of the page.
type WebKit struct {
	session *session
}

// displayNumber is what Xvfb says on a line of its own.
var displayNumber = regexp.MustCompile(`(?m)^\d+$`)

// NewWebKit starts a MiniBrowser with these options, such as --dark-mode. It keeps nothing.
func NewWebKit(t *testing.T, options ...string) *WebKit {
	t.Helper()
	driver, err := exec.LookPath("WebKitWebDriver")
	testsite.Need(t, "WebKitWebDriver (Debian: webkit2gtk-driver)", err)
	display, err := exec.LookPath("Xvfb")
	testsite.Need(t, "Xvfb (Debian: xvfb)", err)

	home := t.TempDir()
	screen := testsite.RunComponent(t, home, nil, display, "-displayfd", "1", "-screen", "0", "1920x1200x24", "-nolisten", "tcp")
	number := ""
	testsite.Eventually(t, "Xvfb to say which display it is", func() bool {
		number = displayNumber.FindString(screen.Output.String())
		return number != ""
	})
	addr := testport.Free(t)
	_, port, _ := net.SplitHostPort(addr)
	env := []string{"DISPLAY=:" + number, "GDK_BACKEND=x11", "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "NO_AT_BRIDGE=1", "LIBGL_ALWAYS_SOFTWARE=1"}
	testsite.RunComponent(t, home, env, driver, "--port="+port).Listens(t, addr)

	s, err := newSession("http://"+addr, map[string]any{
		"webkitgtk:browserOptions": map[string]any{"args": append([]string{"--automation", "--full-screen"}, options...)},
		// WebDriver itself gives a script 30 s
		"timeouts": map[string]any{"script": patience.Milliseconds(), "pageLoad": patience.Milliseconds()},
	})
	if err != nil {
		t.Fatalf("starting WebKit: %v", err)
	}
	t.Cleanup(func() {
		if err := s.command(http.MethodDelete, "", nil, nil); err != nil {
			t.Errorf("closing WebKit: %v", err)
		}
	})
	return &WebKit{s}
}

// Open opens a URL, and returns when the page has loaded.
func (w *WebKit) Open(t *testing.T, url string) {
	t.Helper()
	w.do(t, "opening "+url, "/url", map[string]any{"url": url}, nil)
}

// Evaluate decodes the value of an expression, or what its promise yields, into what the pointer points to.
func (w *WebKit) Evaluate(t *testing.T, expression string, value any) {
	t.Helper()
	if err := w.Ask(expression, value); err != nil {
		t.Fatal(err)
	}
}

// Ask is Evaluate for goroutines other than the test's.
func (w *WebKit) Ask(expression string, value any) error {
	var outcome struct {
		Value json.RawMessage
		Error *string
	}
	script := "const done = arguments[arguments.length - 1];" +
		"(async () => (" + expression + "\n))().then(v => done({Value: v === undefined ? null : v}), e => done({Error: String(e)}))"
	if err := w.session.command(http.MethodPost, "/execute/async", map[string]any{"script": script, "args": []any{}}, &outcome); err != nil {
		return fmt.Errorf("evaluating %s: %w", shortened(expression), err)
	}
	if outcome.Error != nil {
		return fmt.Errorf("evaluating %s: %s", shortened(expression), *outcome.Error)
	}
	if err := json.Unmarshal(outcome.Value, value); err != nil {
		return fmt.Errorf("evaluating %s: it is %s: %w", shortened(expression), outcome.Value, err)
	}
	return nil
}

// Resize gives the page a size in pixels.
func (w *WebKit) Resize(t *testing.T, width, height int) {
	t.Helper()
	w.do(t, "resizing the window", "/window/rect", map[string]any{"x": 0, "y": 0, "width": width, "height": height}, nil)
	testsite.Eventually(t, fmt.Sprintf("a page of %d × %d pixels", width, height), func() bool {
		var size [2]int
		w.Evaluate(t, "[innerWidth, innerHeight]", &size)
		return size == [2]int{width, height}
	})
}

// Picture returns what the window shows, as a PNG.
func (w *WebKit) Picture(t *testing.T) []byte {
	t.Helper()
	var encoded string
	if err := w.session.command(http.MethodGet, "/screenshot", nil, &encoded); err != nil {
		t.Fatalf("taking a picture: %v", err)
	}
	picture, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatalf("decoding a picture: %v", err)
	}
	return picture
}

func (w *WebKit) do(t *testing.T, what, path string, parameters, value any) {
	t.Helper()
	if err := w.session.command(http.MethodPost, path, parameters, value); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// shortened is a script in an error.
func shortened(script string) string {
	if len(script) > 200 {
		return script[:200] + " …"
	}
	return script
}
