package admin

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
)

// clusterMetric is a metric of the cluster, which belongs to the node and to no bridge. It has no label.
type clusterMetric struct {
	name  string
	kind  prometheus.ValueType
	help  string
	value func(s cluster.Status) float64
	desc  *prometheus.Desc
}

func newClusterMetrics() []clusterMetric {
	all := []clusterMetric{
		{name: "sse_bridge_cluster_up", kind: prometheus.GaugeValue, value: func(s cluster.Status) float64 {
			if s.Up {
				return 1
			}
			return 0
		}, help: "1 while messages reach the cluster's engine and come back; 0 while they do not, and each node polls for itself. Only if there is a cluster, as the three below."},
		{name: "sse_bridge_cluster_nodes", kind: prometheus.GaugeValue, value: func(s cluster.Status) float64 { return float64(nodesOf(s)) }, help: "Nodes that are there, this one included."},
		{name: "sse_bridge_cluster_takeovers_total", kind: prometheus.CounterValue, value: func(s cluster.Status) float64 { return float64(s.Takeovers) }, help: "Feeds that this node has taken over from a node that was gone."},
		{name: "sse_bridge_cluster_messages_dropped_total", kind: prometheus.CounterValue, value: func(s cluster.Status) float64 { return float64(s.Dropped) }, help: "Messages of the cluster that could not be opened or read. Each costs a poll at most."},
	}
	for i, m := range all {
		all[i].desc = prometheus.NewDesc(m.name, m.help, nil, nil)
	}
	return all
}

// nodesOf is how many nodes are there, this one included.
func nodesOf(s cluster.Status) int { return len(s.Nodes) + 1 }

// clusterCollector collects the metrics of a member, which outlives the configuration of the registry.
type clusterCollector struct {
	metrics []clusterMetric
	status  func() cluster.Status
}

// CollectCluster registers the metrics of a member with a configuration's registry. There is one member in a
// configuration.
func CollectCluster(registry *prometheus.Registry, member *cluster.Member) error {
	if err := registry.Register(&clusterCollector{newClusterMetrics(), member.Status}); err != nil {
		return fmt.Errorf("registering the metrics of the cluster: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (c *clusterCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *clusterCollector) Collect(ch chan<- prometheus.Metric) {
	status := c.status()
	for _, m := range c.metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(status))
	}
}

// Interface guards
var _ prometheus.Collector = (*clusterCollector)(nil)
