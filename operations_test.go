package ssebridge

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metricsTable is the table of the metrics, for the document.
func metricsTable() string {
	var table strings.Builder
	table.WriteString("| metric | type | label | what it counts |\n|---|---|---|---|\n")
	for _, m := range newMetrics() {
		kind, label := "gauge", ""
		if m.kind == prometheus.CounterValue {
			kind = "counter"
		}
		if m.label != "" {
			label = "`" + m.label + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", m.name, kind, label, m.help)
	}
	fmt.Fprintf(&table, "| `%s` | histogram | | %s |\n", durations, durationsHelp)
	return table.String()
}

// TestDocumentOfOperationsHasTheMetrics keeps the table in docs/operations.md as the code has it;
// -args -update writes it.
func TestDocumentOfOperationsHasTheMetrics(t *testing.T) {
	file := filepath.Join("docs", "operations.md")
	document, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(document), "<!-- metrics -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end of metrics -->\n")
	if !found || !ended {
		t.Fatalf("%s has no place for the table", file)
	}
	want := before + "<!-- metrics -->\n" + metricsTable() + "<!-- end of metrics -->\n" + after
	switch {
	case bytes.Equal(document, []byte(want)):
	case !*update:
		t.Errorf("%s has not the metrics that there are: run `go test -run DocumentOfOperations . -args -update`", file)
	default:
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDocumentOfOperationsHasAllFields looks for the fields of the admin API, and for the events.
func TestDocumentOfOperationsHasAllFields(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{eventDown, eventUp, "sse_feed", "sse_events", "sse_reason"}
	for _, answer := range []any{overview{}, reportedTotal{}, reportedUnit{}, report{}, about{}, reportedPoll{}} {
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
