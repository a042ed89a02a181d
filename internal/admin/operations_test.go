package admin

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// metricsTable is the table of the metrics, for the document.
func metricsTable() string {
	var table strings.Builder
	table.WriteString("| metric | type | label | what it counts |\n|---|---|---|---|\n")
	for _, m := range newMetrics() {
		label := ""
		if m.label != "" {
			label = "`" + m.label + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", m.name, typeOf(m.kind), label, m.help)
	}
	fmt.Fprintf(&table, "| `%s` | histogram | | %s |\n", durations, durationsHelp)
	for _, m := range newClusterMetrics() {
		fmt.Fprintf(&table, "| `%s` | %s |  | %s |\n", m.name, typeOf(m.kind), m.help)
	}
	return table.String()
}

func typeOf(kind prometheus.ValueType) string {
	if kind == prometheus.CounterValue {
		return "counter"
	}
	return "gauge"
}

// TestDocumentOfMetrics keeps the table of docs/operations.md; `make docs` writes it.
func TestDocumentOfMetrics(t *testing.T) {
	const begin, end = "<!-- metrics -->\n", "<!-- end of metrics -->\n"
	testsite.GoldenPart(t, "docs/operations.md", begin, end, begin+metricsTable())
}

// TestDocumentOfOperationsHasAllFields looks for the fields of the admin API, and for the events.
func TestDocumentOfOperationsHasAllFields(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{bridge.EventDown, bridge.EventUp, "sse_feed", "sse_events", "sse_reason"}
	for _, answer := range []any{Overview{}, reportedTotal{}, reportedUnit{}, bridge.Report{}, bridge.About{}, bridge.ReportedPoll{}, reportedCluster{}, reportedNode{}, trouble{}, place{}, bridge.Refusal{}, bridge.Warning{}} {
		for field := range reflect.TypeOf(answer).Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if !bytes.Contains(document, []byte("`"+name+"`")) {
			t.Errorf("the document does not say what `%s` is", name)
		}
	}
}
