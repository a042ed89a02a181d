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
	Time     time.Time          `json:"time"`
	Total    reportedTotal      `json:"total"`
	States   map[feed.State]int `json:"states"`            // how many feeds are in each state
	Cluster  *reportedCluster   `json:"cluster,omitempty"` // nil: there is none
	Bridges  []reportedUnit     `json:"bridges"`
	Matching int                `json:"matching"` // how many feeds match the filter, of which Feeds are some
	Feeds    []bridge.Report    `json:"feeds"`

	Refusals []bridge.Refusal `json:"refusals"` // the newest first

	Troubles    []trouble `json:"troubles"`     // what is wrong, the worst first
	AllTroubles int       `json:"all_troubles"` // how many there are
}

// reportedTotal is the sum of all bridges.
type reportedTotal struct {
	Feeds      int64 `json:"feeds"`
	FeedsDown  int64 `json:"feeds_down"`
	Warned     int64 `json:"feeds_warned"`
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
	Warnings []bridge.Warning `json:"warnings"`
}

func newTotal(t *bridge.Tally) reportedTotal {
	total := reportedTotal{
		Feeds: t.Feeds, FeedsDown: t.Down, Clients: t.Clients, Chains: t.Chains, LogBytes: t.LogBytes,
		PollsSaved: t.Saved, Events: t.Events, Deliveries: t.Deliveries, Bytes: t.Bytes,
	}
	for i, outcome := range feed.Outcomes {
		if outcome != feed.Shared { // another node has made it
			total.Polls += t.Polls[i]
		}
		if outcome == feed.Failed || outcome == feed.Declined {
			total.Errors += t.Polls[i]
		}
	}
	return total
}

// survey returns the state of all feeds, the most urgent ones first.
func survey() Overview {
	now := time.Now()
	o := Overview{
		Time: now.UTC(), States: make(map[feed.State]int), Cluster: currentCluster(now),
		Bridges: []reportedUnit{}, Feeds: []bridge.Report{}, Refusals: []bridge.Refusal{},
	}
	all, warned := &bridge.Tally{}, int64(0)
	for _, b := range bridge.All() {
		t := b.Tally()
		all.Merge(t)
		unit, reports := reportedUnit{b.Name, newTotal(t), append([]bridge.Warning{}, b.Warnings()...)}, b.Reports()
		for i := range reports {
			if reports[i].Warned() {
				unit.Warned++
			}
		}
		warned += unit.Warned
		o.Bridges, o.Feeds, o.Refusals = append(o.Bridges, unit), append(o.Feeds, reports...), append(o.Refusals, b.Refusals()...)
	}
	for i := range o.Feeds {
		o.States[o.Feeds[i].State]++
	}
	o.Total = newTotal(all)
	o.Total.Warned = warned
	slices.SortFunc(o.Refusals, func(a, b bridge.Refusal) int { return b.Last.Compare(a.Last) })
	slices.SortFunc(o.Bridges, func(a, b reportedUnit) int { return strings.Compare(a.Bridge, b.Bridge) })
	o.Feeds = sorted(o.Feeds)
	o.Troubles = troublesOf(&o)
	o.AllTroubles = len(o.Troubles)
	o.Troubles = o.Troubles[:min(len(o.Troubles), maxTroubles)]
	return o
}

// sorted returns feeds, the most urgent ones first. A report is large, so it is moved once.
func sorted(feeds []bridge.Report) []bridge.Report {
	order := make([]*bridge.Report, len(feeds))
	for i := range feeds {
		order[i] = &feeds[i]
	}
	slices.SortFunc(order, bridge.ByUrgency)
	all := make([]bridge.Report, len(order))
	for i, r := range order {
		all[i] = *r
	}
	return all
}

// seen returns what a view shows of a survey, which is not changed.
func (o Overview) seen(v view) Overview {
	o.Feeds, o.Matching = v.of(o.Feeds)
	o.Refusals = o.Refusals[:min(len(o.Refusals), v.limit)]
	return o
}
