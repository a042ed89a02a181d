package admin

import (
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// Overview is the answer to /sse_bridge/feeds.
type Overview struct {
	Time    time.Time        `json:"time"`
	Total   reportedTotal    `json:"total"`
	Cluster *reportedCluster `json:"cluster,omitempty"` // nil: there is none
	Bridges []reportedUnit   `json:"bridges"`
	Feeds   []bridge.Report  `json:"feeds"`
}

// reportedTotal is the sum of all bridges.
type reportedTotal struct {
	Feeds      int64 `json:"feeds"`
	FeedsDown  int64 `json:"feeds_down"`
	Clients    int64 `json:"clients"`
	Chains     int64 `json:"chains"`
	LogBytes   int64 `json:"log_bytes"`
	Polls      int64 `json:"polls"`
	Errors     int64 `json:"errors"`
	PollsSaved int64 `json:"polls_saved"`
	Events     int64 `json:"events"`
	Deliveries int64 `json:"deliveries"`
	Bytes      int64 `json:"delivered_bytes"`
}

// reportedUnit is the counts of one bridge.
type reportedUnit struct {
	Bridge string `json:"bridge"`
	reportedTotal
}

func newTotal(t *bridge.Tally) reportedTotal {
	total := reportedTotal{
		Feeds: t.Feeds, FeedsDown: t.Down, Clients: t.Clients, Chains: t.Chains, LogBytes: t.LogBytes,
		PollsSaved: t.Saved, Events: t.Events, Deliveries: t.Deliveries, Bytes: t.Bytes,
	}
	for i, outcome := range feed.Outcomes {
		total.Polls += t.Polls[i]
		if outcome == feed.Failed || outcome == feed.Declined {
			total.Errors += t.Polls[i]
		}
	}
	return total
}

// survey returns the state of the feeds, the most urgent ones first, at most the given number.
func survey(limit int) Overview {
	now := time.Now()
	o := Overview{Time: now.UTC(), Cluster: currentCluster(now), Bridges: []reportedUnit{}, Feeds: []bridge.Report{}}
	all := &bridge.Tally{}
	for _, b := range bridge.All() {
		t := b.Tally()
		all.Merge(t)
		o.Bridges = append(o.Bridges, reportedUnit{b.Name, newTotal(t)})
		o.Feeds = append(o.Feeds, b.Reports()...)
	}
	o.Total = newTotal(all)
	slices.SortFunc(o.Bridges, func(a, b reportedUnit) int { return strings.Compare(a.Bridge, b.Bridge) })
	slices.SortFunc(o.Feeds, bridge.ByUrgency)
	o.Feeds = o.Feeds[:min(len(o.Feeds), limit)]
	return o
}
