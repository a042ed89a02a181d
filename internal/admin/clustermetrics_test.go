package admin

import (
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
)

func TestTheMetricsOfAClusterAreItsStatus(t *testing.T) {
	for _, test := range []struct {
		name   string
		status cluster.Status
		want   map[string]float64
	}{
		{
			"up",
			cluster.Status{Up: true, Nodes: []cluster.Node{{}, {}}, Takeovers: 4, Dropped: 5},
			map[string]float64{"sse_bridge_cluster_up": 1, "sse_bridge_cluster_nodes": 3, "sse_bridge_cluster_takeovers_total": 4, "sse_bridge_cluster_messages_dropped_total": 5},
		},
		{
			"down",
			cluster.Status{},
			map[string]float64{"sse_bridge_cluster_up": 0, "sse_bridge_cluster_nodes": 1, "sse_bridge_cluster_takeovers_total": 0, "sse_bridge_cluster_messages_dropped_total": 0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := prometheus.NewPedanticRegistry()
			if err := registry.Register(&clusterCollector{newClusterMetrics(), func() cluster.Status { return test.status }}); err != nil {
				t.Fatal(err)
			}
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]float64)
			for _, f := range families {
				for _, m := range f.Metric {
					got[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
