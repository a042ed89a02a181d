package ssebridge

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

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
