package ssebridge

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// fetch returns the body of what an URL answers.
func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := knock(http.DefaultTransport, r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d: %s", url, resp.StatusCode, body)
	}
	return string(body)
}

// hasMetrics waits until a site's metrics have these lines.
func (s *site) hasMetrics(lines ...string) {
	s.t.Helper()
	var have []string
	missing := func(line string) bool { return !slices.Contains(have, line) }
	s.t.Cleanup(func() {
		if s.t.Failed() {
			for _, line := range have {
				if strings.HasPrefix(line, "sse_bridge_") {
					s.t.Log(line)
				}
			}
		}
	})
	eventually(s.t, fmt.Sprintf("the metrics %q", lines), func() bool {
		have = strings.Split(fetch(s.t, s.url+"/metrics"), "\n")
		return !slices.ContainsFunc(lines, missing)
	})
}

// TestMetricsOutliveConfigurations reloads, which makes a new registry, and changes the bridge, which
// makes another one of the same name.
func TestMetricsOutliveConfigurations(t *testing.T) {
	c := newChat(0)
	c.say("one", "two")
	upstream := backend(t, c.ServeHTTP)
	config := func(more string) string {
		return strings.Replace(chatSite(upstream, "name chat\n\t\tinterval 20ms"), "respond 404", more+"\n\thandle /metrics {\n\t\tmetrics\n\t}\n\trespond 404", 1)
	}
	s := runCaddy(t, strings.Replace(config(""), "long_poll", "", 1))
	first, second := subscribe(t, s.url+"/messages"), subscribe(t, s.url+"/messages")
	first.want("one|1", "two|2")
	second.want("one|1", "two|2")
	bridge := `{bridge="chat"}`
	s.hasMetrics("sse_bridge_feeds"+bridge+" 1", "sse_bridge_clients"+bridge+" 2", "sse_bridge_events_total"+bridge+" 2",
		"sse_bridge_deliveries_total"+bridge+" 4", "sse_bridge_streams_total"+bridge+" 2", "sse_bridge_feeds_down"+bridge+" 0",
		`sse_bridge_polls_total{bridge="chat",outcome="error"} 0`)

	other := "sse_bridge /other " + upstream + " {\n\t\tname chat\n\t}\n\tsse_bridge /third " + upstream
	s.reload(strings.Replace(config(other), "long_poll", "", 1))
	c.say("three")
	first.want("three|3")
	second.want("three|3")
	s.hasMetrics("sse_bridge_events_total"+bridge+" 3", "sse_bridge_deliveries_total"+bridge+" 6", "sse_bridge_clients"+bridge+" 2")
	third := subscribe(t, s.url+"/other")
	third.next()
	s.hasMetrics("sse_bridge_feeds"+bridge+" 2", "sse_bridge_events_total"+bridge+" 4", "sse_bridge_clients"+bridge+" 3")
	first.close()
	s.hasMetrics(`sse_bridge_disconnects_total{bridge="chat",reason="client_gone"} 1`, "sse_bridge_clients"+bridge+" 2")
	if all := fetch(t, s.url+"/metrics"); !regexp.MustCompile(`sse_bridge_feeds\{bridge="[0-9a-f]{8}"\} 0`).MatchString(all) {
		t.Error("a bridge without a name is not named by its key")
	}
}

func TestClientsThatAreTurnedAwayAreCounted(t *testing.T) {
	up := backend(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
	s := runCaddy(t, "{{site}} {\n\thandle /metrics {\n\t\tmetrics\n\t}\n\tsse_bridge /x "+up+" {\n\t\tname b\n\t}\n}")
	r := subscribe(t, s.url+"/x")
	if r.response.StatusCode != http.StatusForbidden {
		t.Fatalf("got status %d", r.response.StatusCode)
	}
	s.hasMetrics(`sse_bridge_clients_rejected_total{bridge="b",reason="refused"} 1`, `sse_bridge_polls_total{bridge="b",outcome="refused"} 1`)
}

func TestCountingADeliveryAllocatesNothing(t *testing.T) {
	j := newTestBridge(t, "").streams.opened(zap.NewNop(), "b", "f")
	if n := testing.AllocsPerRun(100, func() { j.wrote(3, 100) }); n != 0 {
		t.Errorf("%v allocations for a batch", n)
	}
}

// TestTheRegistryTakesTheMetricsOnce has two handlers of one configuration.
func TestTheRegistryTakesTheMetricsOnce(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	one, two := newTestBridge(t, ""), newTestBridge(t, "")
	one.name, two.name = "one", "two"
	for _, b := range []*bridge{one, two, one} {
		if err := collect(registry, b); err != nil {
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
