package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	_ "github.com/sse-bridge/caddy-sse-bridge/internal/testengine"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// clusteredSite is a site with metrics on a node that is alone in a cluster. Its admin endpoint is {{admin}}, and
// the status page at {{page}}.
const clusteredSite = `{
	admin {{admin}}
	persist_config off
	auto_https off
	sse_bridge {
		cluster memory e2e
	}
}
{{site}} {
	handle /metrics {
		metrics
	}
	handle {
		sse_bridge {{upstream}} {
			interval 100ms
		}
	}
}
{{page}} {
	bind 127.0.0.1
	reverse_proxy /sse_bridge/* {{admin}} {
		header_up Host {upstream_hostport}
		header_up -Origin
		header_up -Referer
		header_up -Sec-Fetch-Mode
	}
}`

func runClustered(t *testing.T) (s *testsite.Site, caddyfile, admin, page string) {
	t.Helper()
	admin, page = testport.Free(t), "http://"+testport.Free(t)
	upstream := testsite.Backend(t, testsite.NewChat(0).ServeHTTP)
	caddyfile = strings.NewReplacer("{{admin}}", admin, "{{page}}", page, "{{upstream}}", upstream).Replace(clusteredSite)
	s = testsite.Run(t, caddyfile)
	t.Cleanup(func() { testsite.AdminOff(t) })
	return s, caddyfile, "http://" + admin, page
}

func TestTheAdminAPIAndTheMetricsShowTheCluster(t *testing.T) {
	s, caddyfile, admin, _ := runClustered(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	first := overviewOf(t, admin, "").Cluster
	if first == nil || first.Name != host || len(first.ID) != 8 || len(first.Nodes) != 0 {
		t.Fatalf("the cluster is %+v", first)
	}
	s.HasMetrics("sse_bridge_cluster_nodes 1", "sse_bridge_cluster_takeovers_total 0", "sse_bridge_cluster_messages_dropped_total 0")

	s.Reload(caddyfile + "\n# changed")
	if now := overviewOf(t, admin, "").Cluster; now == nil || now.ID != first.ID {
		t.Errorf("after a reload that leaves it alone the cluster is %+v, and was %+v", now, first)
	}
	s.HasMetrics("sse_bridge_cluster_nodes 1")

	s.Reload(strings.Replace(caddyfile, "\tsse_bridge {\n\t\tcluster memory e2e\n\t}\n", "", 1))
	if now := overviewOf(t, admin, "").Cluster; now != nil {
		t.Errorf("without a cluster there is %+v", now)
	}
	if metrics := testsite.Fetch(t, s.URL+"/metrics"); strings.Contains(metrics, "sse_bridge_cluster") {
		t.Error("without a cluster there are metrics of it")
	}
}

// In a browser, what one node says of itself is text on another node's page.
func TestTheStatusPageShowsTheCluster(t *testing.T) {
	s, caddyfile, _, page := runClustered(t)
	tab := browser.New(t)
	run := func(script string) string {
		t.Helper()
		text, err := chromedp.Run(tab, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	says := func(what string, said bool) {
		t.Helper()
		testsite.Eventually(t, "the page to say "+what+", or not to", func() bool {
			return strings.Contains(run(`document.body.innerText`), what) == said
		})
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 800)); err != nil { // where nodes are a table
		t.Fatal(err)
	}
	browser.Open(tab, t, page+"/sse_bridge/")
	says("No other node is heard.", true)
	says("No other node of the cluster is heard.", true)

	nodes := `[{id: "11111111", name: "<b>two</b>", version: "v1.0.0", heard_seconds_ago: 0.25, differs: ""}, {id: "22222222", name: "three", version: "v1.1.0", heard_seconds_ago: 1, differs: "another version"}]`
	shown := func(cluster string) string {
		return run(`showCluster({time: new Date().toISOString(), cluster: ` + cluster + `}); document.getElementById("cluster").innerText`)
	}
	up := shown(`{up: true, since: new Date().toISOString(), id: "0123abcd", name: "one", nodes: ` + nodes + `, takeovers: 1, dropped: 2}`)
	for _, want := range []string{"The cluster is up, for ", "This node is one, 0123abcd.", "1 feed was taken over", "2 messages could not be read", "<b>two</b>\t11111111\tv1.0.0\t250 ms ago\tthe same", "three\t22222222\tv1.1.0\t1 s ago\tanother version"} {
		if !strings.Contains(up, want) {
			t.Errorf("the page does not say %q, but\n%s", want, up)
		}
	}
	down := shown(`{up: false, since: new Date().toISOString(), id: "0123abcd", name: "one", nodes: [], takeovers: 0, dropped: 0}`)
	if !strings.Contains(down, "The cluster cannot be reached, for ") || !strings.Contains(down, ": each node polls for itself.") {
		t.Errorf("the page says of an outage\n%s", down)
	}
	for feed, want := range map[string]string{
		`{polled: "here"}`:                                        "polled here",
		`{polled: "elsewhere", polled_by: "two"}`:                 "by node two",
		`{polled: "alone", alone_because: "the cluster is down"}`: "alone: the cluster is down",
		`{}`: "–",
	} {
		if got := run(`polled(` + feed + `)`); got != want {
			t.Errorf("a feed %s is %q, want %q", feed, got, want)
		}
	}

	s.Reload(strings.Replace(caddyfile, "\tsse_bridge {\n\t\tcluster memory e2e\n\t}\n", "", 1))
	says("Cluster", false)
}
