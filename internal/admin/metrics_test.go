package admin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
)

// TestTheRegistryTakesTheMetricsOnce has two handlers of one configuration.
func TestTheRegistryTakesTheMetricsOnce(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	one, two := bridge.New(testplan.Of(t)), bridge.New(testplan.Of(t))
	one.Name, two.Name = "one", "two"
	for _, b := range []*bridge.Bridge{one, two, one} {
		if err := Collect(registry, b); err != nil {
			t.Fatal(err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		bridges := make(map[string]bool)
		for _, m := range f.Metric {
			for _, label := range m.Label {
				if label.GetName() == "bridge" {
					bridges[label.GetValue()] = true
				}
			}
		}
		if len(bridges) != 2 {
			t.Errorf("%s is of %v", f.GetName(), bridges)
		}
	}
}

var metricNames = regexp.MustCompile(`\bsse_bridge_[a-z_]+`)

// TestTheDashboardAsksForMetricsThatThereAre loads docs/grafana-dashboard.json.
func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("docs", "grafana-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{durations + "_bucket": "", durations + "_sum": "", durations + "_count": ""}
	for _, m := range newMetrics() {
		labels[m.name] = m.label
	}
	for _, m := range newClusterMetrics() {
		labels[m.name] = ""
	}
	ids := make(map[int]bool)
	asked := make(map[string]bool)
	by := regexp.MustCompile(`by \(([a-z, ]*)\)`)
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 {
			t.Errorf("the panel %q has the id %d and stands at %+v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			names := metricNames.FindAllString(target.Expr, -1)
			for _, name := range names {
				label, known := labels[name]
				if asked[name] = true; !known {
					t.Errorf("the panel %q asks for %s, which there is not", p.Title, name)
				}
				for _, match := range by.FindAllStringSubmatch(target.Expr, -1) {
					for l := range strings.SplitSeq(match[1], ",") {
						if l = strings.TrimSpace(l); l != "bridge" && l != "le" && l != label {
							t.Errorf("the panel %q asks for the label %s of %s, which it has not", p.Title, l, name)
						}
					}
				}
			}
			if summed := regexp.MustCompile(`sum\(rate\(sse_bridge_polls_total{([^}]*)}`).FindStringSubmatch(target.Expr); summed != nil && !strings.Contains(summed[1], "shared") {
				t.Errorf("the panel %q adds polls that another node has made: %s", p.Title, target.Expr)
			}
			if len(names) == 0 || strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("the panel %q asks so: %s", p.Title, target.Expr)
			}
		}
	}
	for name := range labels {
		if !asked[name] && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") {
			t.Errorf("no panel shows %s", name)
		}
	}
}
