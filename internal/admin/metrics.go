package admin

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

// metric is a family of metrics with one value for each bridge, or several if it has one more label. The
// values of that label come from fixed lists, never from a client or an upstream.
type metric struct {
	name   string
	kind   prometheus.ValueType
	label  string // besides `bridge`; empty: none
	help   string
	values func(t *bridge.Tally) []stream.Labelled
	desc   *prometheus.Desc
}

// durations is the name of the only histogram.
const durations = "sse_bridge_poll_duration_seconds"

const durationsHelp = "Duration of polls in seconds, to the last byte of the answer or to the error. For a long poll, it includes the time for which the upstream held it."

// newMetrics returns all families except the histogram.
func newMetrics() []metric {
	one := func(value func(t *bridge.Tally) int64) func(*bridge.Tally) []stream.Labelled {
		return func(t *bridge.Tally) []stream.Labelled { return []stream.Labelled{{Value: value(t)}} }
	}
	all := []metric{
		{name: "sse_bridge_feeds", kind: prometheus.GaugeValue, values: one(func(t *bridge.Tally) int64 { return t.Feeds }), help: "Feeds, that is, different poll requests."},
		{name: "sse_bridge_feeds_down", kind: prometheus.GaugeValue, values: one(func(t *bridge.Tally) int64 { return t.Down }), help: "Feeds whose upstream is down: their last polls got no readable answer."},
		{name: "sse_bridge_clients", kind: prometheus.GaugeValue, values: one(func(t *bridge.Tally) int64 { return t.Clients }), help: "Clients that have an event stream, or wait for its first poll."},
		{name: "sse_bridge_chains", kind: prometheus.GaugeValue, values: one(func(t *bridge.Tally) int64 { return t.Chains }), help: "Chains, that is, positions that are polled. More than one for each feed means that clients are catching up."},
		{name: "sse_bridge_log_bytes", kind: prometheus.GaugeValue, values: one(func(t *bridge.Tally) int64 { return t.LogBytes }), help: "Size of the recent events that are kept for clients, in bytes. `limits log` bounds it."},
		{name: "sse_bridge_polls_total", kind: prometheus.CounterValue, label: "outcome", values: func(t *bridge.Tally) []stream.Labelled {
			polls := make([]stream.Labelled, 0, len(feed.Outcomes))
			for i, outcome := range feed.Outcomes {
				polls = append(polls, stream.Labelled{Label: string(outcome), Value: t.Polls[i]})
			}
			return polls
		}, help: "Finished polls by outcome: `news`; `no_news`; `error`; `refused` by the upstream; `abandoned`, because no client was left; `shared`, which another node of the cluster has made."},
		{name: "sse_bridge_polls_saved_total", kind: prometheus.CounterValue, values: one(func(t *bridge.Tally) int64 { return t.Saved }), help: "Polls that sharing has saved: for each poll that was not abandoned, the number of clients that it served minus one, or all of them if another node has made it. The real number is higher: reads from the log are not counted."},
		{name: "sse_bridge_events_total", kind: prometheus.CounterValue, values: one(func(t *bridge.Tally) int64 { return t.Events }), help: "Events in the answers to polls. Each counts once, however many clients get it."},
		{name: "sse_bridge_deliveries_total", kind: prometheus.CounterValue, values: one(func(t *bridge.Tally) int64 { return t.Deliveries }), help: "Events that were written to clients. Each counts once for each client."},
		{name: "sse_bridge_delivered_bytes_total", kind: prometheus.CounterValue, values: one(func(t *bridge.Tally) int64 { return t.Bytes }), help: "Bytes that were written to event streams, before compression, including comments and keep-alives."},
		{name: "sse_bridge_streams_total", kind: prometheus.CounterValue, values: one(func(t *bridge.Tally) int64 { return t.Opened }), help: "Event streams that were opened."},
		{name: "sse_bridge_streams_taken_over_total", kind: prometheus.CounterValue, values: one(func(t *bridge.Tally) int64 { return t.Taken }), help: "Those of them whose connection was taken over from the server, so that they need no goroutine."},
		{name: "sse_bridge_disconnects_total", kind: prometheus.CounterValue, label: "reason", values: func(t *bridge.Tally) []stream.Labelled {
			return t.Ended
		}, help: "Event streams that have ended, by reason: `client_gone`; `slow_client`, which did not read; `lifetime`, as configured; `ended` or `refused` by the upstream; `stopping`, because the configuration has changed or Caddy exits; `limit`, since `limits streams` left no room for another connection to the upstream."},
		{name: "sse_bridge_clients_rejected_total", kind: prometheus.CounterValue, label: "reason", values: func(t *bridge.Tally) []stream.Labelled {
			return t.Rejected
		}, help: "Clients that got no event stream, by reason: over a `limit`; `refused` by the upstream; `ended`, because the client has all events and no more will come."},
		{name: "sse_bridge_resets_total", kind: prometheus.CounterValue, label: "reason", values: func(t *bridge.Tally) []stream.Labelled {
			resets := make([]stream.Labelled, 0, len(feed.Resets))
			for i, reason := range feed.Resets {
				resets = append(resets, stream.Labelled{Label: reason, Value: t.Resets[i]})
			}
			return resets
		}, help: "Events `bridge.reset` by their reason. One may go to several clients."},
	}
	for i, m := range all {
		labels := []string{"bridge"}
		if m.label != "" {
			labels = append(labels, m.label)
		}
		all[i].desc = prometheus.NewDesc(m.name, m.help, labels, nil)
	}
	return all
}

// collector collects the metrics of the bridges of one configuration. The counters belong to the bridges,
// which outlive it.
type collector struct {
	metrics   []metric
	durations *prometheus.Desc

	mu      sync.Mutex
	bridges []*bridge.Bridge
}

// Collect registers the metrics of a bridge with a configuration's registry, once.
func Collect(registry *prometheus.Registry, b *bridge.Bridge) error {
	c := &collector{metrics: newMetrics(), durations: prometheus.NewDesc(durations, durationsHelp, []string{"bridge"}, nil)}
	if err := registry.Register(c); err != nil {
		already := prometheus.AlreadyRegisteredError{}
		if !errors.As(err, &already) {
			return fmt.Errorf("registering the metrics: %w", err)
		}
		c = already.ExistingCollector.(*collector) // of another handler of this configuration
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.bridges, b) {
		c.bridges = append(c.bridges, b)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
	ch <- c.durations
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	bridges := slices.Clone(c.bridges)
	c.mu.Unlock()
	byName := make(map[string]*bridge.Tally)
	for _, b := range bridges {
		t := b.Tally()
		if other := byName[b.Name]; other != nil {
			other.Merge(t)
		} else {
			byName[b.Name] = t
		}
	}
	for name, t := range byName {
		for _, m := range c.metrics {
			for _, v := range m.values(t) {
				labels := []string{name}
				if m.label != "" {
					labels = append(labels, v.Label)
				}
				ch <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(v.Value), labels...)
			}
		}
		ch <- histogram(t, c.durations, name)
	}
}

func histogram(t *bridge.Tally, desc *prometheus.Desc, name string) prometheus.Metric {
	buckets, count := make(map[float64]uint64), uint64(0)
	for i, n := range t.Durations {
		count += uint64(n)
		if i < len(feed.DurationBounds) {
			buckets[feed.DurationBounds[i]] = count
		}
	}
	return prometheus.MustNewConstHistogram(desc, count, t.Took.Seconds(), buckets, name)
}

// Interface guards
var _ prometheus.Collector = (*collector)(nil)
