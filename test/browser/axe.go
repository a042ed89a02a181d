package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// Widths are those at which pages are audited, in pixels: a phone and a screen.
var Widths = []int{390, 1280}

// finding is a rule of axe that a page breaks.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML    string
		Summary string `json:"failureSummary"`
	}
}

// String says what is wrong, and where.
func (f finding) String() string {
	lines := []string{fmt.Sprintf("%s (%s): %s", f.ID, f.Impact, f.Help)}
	for _, node := range f.Nodes[:min(len(f.Nodes), 3)] {
		lines = append(lines, "\t"+node.HTML, "\t\t"+strings.ReplaceAll(node.Summary, "\n", "\n\t\t"))
	}
	return strings.Join(lines, "\n")
}

// Audit fails the test for what axe-core finds in the page at each of the widths, and where the page is wider than the window.
// All rules count that axe runs by default.
func Audit(t *testing.T, p Page) {
	t.Helper()
	axe, err := os.ReadFile(filepath.Join(testsite.Root(), "test", "browser", "npm", "node_modules", "axe-core", "axe.min.js"))
	testsite.Need(t, "axe-core (run `npm install` in test/browser/npm)", err)
	for _, width := range Widths {
		p.Resize(t, width, 900)
		var known bool
		p.Evaluate(t, "typeof axe === 'object'", &known)
		if !known {
			// By a function, since what the script declares is to be global. A page's policy has no say in what drives the browser.
			p.Evaluate(t, "(function () {\n"+string(axe)+"\n}).call(window), true", &known)
		}
		var found []finding
		p.Evaluate(t, "axe.run().then(results => results.violations)", &found)
		for _, f := range found {
			t.Errorf("at %d pixels: %s", width, f)
		}
		var wider []string
		p.Evaluate(t, `document.documentElement.scrollWidth <= innerWidth ? [] :
			["a width of " + document.documentElement.scrollWidth].concat([...document.body.querySelectorAll("*")]
			.filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 200)))`, &wider)
		if len(wider) > 0 {
			t.Errorf("at %d pixels the page scrolls sideways, because of\n%s", width, strings.Join(wider[:min(len(wider), 6)], "\n"))
		}
	}
}
