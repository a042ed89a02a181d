package pages

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// buildDemos builds what make builds for the demos, and returns the folder of the programs.
func buildDemos(t *testing.T) string {
	t.Helper()
	programs := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", programs+"/", "./cmd/caddy", "./examples/demo", "./examples/demo/cluster", "./examples/demo/backend")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demos: %v\n%s", err, output)
	}
	return programs
}

func TestTheDemosHaveNoBarriers(t *testing.T) {
	programs := buildDemos(t)
	for _, demo := range []struct{ program, ready string }{
		{"demo", "none lost, none twice"},
		{"cluster", "polls for all"},
	} {
		t.Run(demo.program, func(t *testing.T) {
			_, port, _ := net.SplitHostPort(testport.Free(t))
			running := testsite.RunComponent(t, ".", []string{"PORT=" + port, "TMPDIR=" + t.TempDir()}, filepath.Join(programs, demo.program), filepath.Join("examples", "demo"))
			running.Listens(t, "localhost:"+port)
			browser.InEachTheme(t, func(t *testing.T, p browser.Page) {
				p.Open(t, "http://localhost:"+port)
				shows(t, p, demo.ready)
				browser.Audit(t, p)
				fitsAPhone(t, p)
			})
		})
	}
}

// fitsAPhone checks that on a phone's width each message that is seen is seen whole, and that what is said is beside its button.
func fitsAPhone(t *testing.T, p browser.Page) {
	t.Helper()
	p.Resize(t, browser.Widths[0], 900)
	var cut []string
	p.Evaluate(t, `[...document.querySelectorAll(".chat")].flatMap(list => [...list.children].filter(line => {
		const {top, bottom, height} = line.getBoundingClientRect(), box = list.getBoundingClientRect();
		return height > 0 && top < box.bottom && bottom > box.bottom + 1;
	}).map(line => line.innerText))`, &cut)
	if len(cut) > 0 {
		t.Errorf("messages are cut through: %q", cut)
	}
	var apart float64
	p.Evaluate(t, `document.querySelector("#say button").getBoundingClientRect().top - document.querySelector("#say [name=text]").getBoundingClientRect().top`, &apart)
	if apart < -5 || apart > 5 {
		t.Errorf("the button is %v pixels below what it sends", apart)
	}
}
