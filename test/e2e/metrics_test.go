package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestMetricsOutliveConfigurations reloads, which makes a new registry, and changes the bridge, which
// makes another one of the same name.
func TestMetricsOutliveConfigurations(t *testing.T) {
	c := testsite.NewChat(0)
	c.Say("one", "two")
	upstream := testsite.Backend(t, c.ServeHTTP)
	config := func(more string) string {
		return strings.Replace(testsite.ChatSite(upstream, "name chat\n\t\tinterval 1s"), "respond 404", more+"\n\thandle /metrics {\n\t\tmetrics\n\t}\n\trespond 404", 1)
	}
	s := testsite.Run(t, strings.Replace(config(""), "long_poll", "", 1))
	first, second := testsite.Subscribe(t, s.URL+"/messages"), testsite.Subscribe(t, s.URL+"/messages")
	first.Want("one|1", "two|2")
	second.Want("one|1", "two|2")
	bridge := `{bridge="chat"}`
	s.HasMetrics("sse_bridge_feeds"+bridge+" 1", "sse_bridge_clients"+bridge+" 2", "sse_bridge_events_total"+bridge+" 2",
		"sse_bridge_deliveries_total"+bridge+" 4", "sse_bridge_streams_total"+bridge+" 2", "sse_bridge_feeds_down"+bridge+" 0",
		`sse_bridge_polls_total{bridge="chat",outcome="error"} 0`)

	other := "sse_bridge /other " + upstream + " {\n\t\tname chat\n\t}\n\tsse_bridge /third " + upstream
	s.Reload(strings.Replace(config(other), "long_poll", "", 1))
	c.Say("three")
	first.Want("three|3")
	second.Want("three|3")
	s.HasMetrics("sse_bridge_events_total"+bridge+" 3", "sse_bridge_deliveries_total"+bridge+" 6", "sse_bridge_clients"+bridge+" 2")
	third := testsite.Subscribe(t, s.URL+"/other")
	third.Next()
	s.HasMetrics("sse_bridge_feeds"+bridge+" 2", "sse_bridge_events_total"+bridge+" 4", "sse_bridge_clients"+bridge+" 3")
	first.Close()
	s.HasMetrics(`sse_bridge_disconnects_total{bridge="chat",reason="client_gone"} 1`, "sse_bridge_clients"+bridge+" 2")
	if all := testsite.Fetch(t, s.URL+"/metrics"); !regexp.MustCompile(`sse_bridge_feeds\{bridge="[0-9a-f]{8}"\} 0`).MatchString(all) {
		t.Error("a bridge without a name is not named by its key")
	}
}

func TestClientsThatAreTurnedAwayAreCounted(t *testing.T) {
	up := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
	s := testsite.Run(t, "{{site}} {\n\thandle /metrics {\n\t\tmetrics\n\t}\n\tsse_bridge /x "+up+" {\n\t\tname b\n\t}\n}")
	r := testsite.Subscribe(t, s.URL+"/x")
	if r.Response.StatusCode != http.StatusForbidden {
		t.Fatalf("got status %d", r.Response.StatusCode)
	}
	s.HasMetrics(`sse_bridge_clients_rejected_total{bridge="b",reason="refused"} 1`, `sse_bridge_polls_total{bridge="b",outcome="refused"} 1`)
}
