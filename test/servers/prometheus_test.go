package servers

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"
)

// lastLevels is each gauge as it was scraped last. A gauge alone is gone, and an alert is over, where a single scrape is late.
const lastLevels = "last_over_time(level[10s])"

// startPrometheus starts a Prometheus that asks each second for the gauge `level` of some names, and has an alert for each. It returns what changes them.
func startPrometheus(t *testing.T) (c *testsite.Component, change func(i int), want func(i int) string) {
	t.Helper()
	program, folder := testsite.NeedServer(t, "prometheus", "prometheus"), t.TempDir()
	var mu sync.Mutex
	levels := make(map[string]int)
	metrics := testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		for name, level := range levels {
			fmt.Fprintf(w, "level{name=%q} %d\n", name, level)
		}
	})
	change, want = rows(func(name string, i int) {
		mu.Lock()
		defer mu.Unlock()
		levels[name] = i
	}, func(name string) {
		mu.Lock()
		defer mu.Unlock()
		delete(levels, name)
	})
	for name, text := range map[string]string{
		"prometheus.yml": fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs: [{job_name: levels, static_configs: [{targets: [%q]}]}]\n", metrics),
		"rules.yml":      "groups: [{name: levels, rules: [{alert: Level, expr: '" + lastLevels + " >= 0'}]}]\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c = testsite.StartComponent(t, folder, nil, program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address={{addr}}", "--log.level=error")
	testsite.Eventually(t, "both alerts", func() bool {
		_, said := testsite.Do(t, http.MethodGet, "http://"+c.Addr+"/api/v1/alerts", "") // it is unavailable at first
		return strings.Count(said, `"activeAt"`) == 2
	})
	return c, change, want
}

func meetPrometheus(t *testing.T) newcomer {
	c, change, want := startPrometheus(t)
	return newcomer{
		url: "http://" + c.Addr + "/api/v1/alerts", change: change, want: want, list: "data.alerts",
		show: func(data string) string {
			return fmt.Sprintf("%s=%v", gjson.Get(data, "labels.name").Str, gjson.Get(data, "value").Float())
		},
	}
}

// The answer has the time of the query at each value.
func meetPrometheusQuery(t *testing.T) newcomer {
	c, change, want := startPrometheus(t)
	return newcomer{
		url: "http://" + c.Addr + "/api/v1/query?query=" + url.QueryEscape(lastLevels), change: change, want: want, list: "data.result",
		show: func(data string) string {
			value := gjson.Get(data, "value")
			if value.IsArray() {
				value = value.Get("1")
			}
			return gjson.Get(data, "metric.name").Str + "=" + value.String()
		},
	}
}

// The gateway has its groups stand in another order each time, the more of them the more often.
func meetPushgateway(t *testing.T) newcomer {
	program := testsite.NeedServer(t, "prometheus-pushgateway", "prometheus-pushgateway")
	c := testsite.StartComponent(t, t.TempDir(), nil, program, "--web.listen-address={{addr}}", "--log.level=error", "--persistence.file=")
	job := func(method, name, body string) {
		testsite.Post(t, method, "http://"+c.Addr+"/metrics/job/"+name, "text/plain", body)
	}
	put := func(name string, i int) { job(http.MethodPut, name, fmt.Sprintf("level %d\n", i)) }
	for i := range 30 {
		put(fmt.Sprint("other", i), 0)
	}
	change, want := rows(put, func(name string) { job(http.MethodDelete, name, "") })
	level := row("labels.job", "level.metrics.0.value")
	return newcomer{
		url: "http://" + c.Addr + "/api/v1/metrics", change: change, want: want, list: "data",
		show: func(data string) string {
			if shown := level(data); !strings.HasPrefix(shown, "other") {
				return shown
			}
			return ""
		},
	}
}
