package bridge

import (
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

// troubledFor is how long operators see that clients were turned away or did not read, or that polls were delayed, after the last one.
const troubledFor = time.Hour

// remediesOfLimits say what to do about a limit over which clients get no stream.
var remediesOfLimits = map[string]string{
	stream.LimitClients:      "is the number of clients as expected? Then raise `limits clients`",
	stream.LimitClientsPerIP: "do clients come through a proxy? Then name it in `trusted_proxies`, so that their own addresses count. Otherwise, raise `limits clients_per_ip`",
	stream.LimitFeeds:        "does each client have a feed of its own? Then find out what divides feeds, and keep it out of the polls. Otherwise, raise `limits feeds`",
	stream.LimitStreams:      "each feed keeps a request to the upstream open: raise `limits streams`, or find out what divides feeds",
}

// troubled returns the warnings about clients that were turned away of late, or did not read, and about polls that were delayed.
func troubled(totals stream.Totals, delayed stream.Labelled, now time.Time) (all []Warning) {
	for _, over := range totals.Over {
		all = appendRecent(all, over, now, Warning{
			ID: "limit_" + over.Label, Text: "clients are turned away, because `limits " + over.Label + "` is reached", Remedy: remediesOfLimits[over.Label],
		})
	}
	for _, ended := range totals.Ended {
		if ended.Label == string(feed.Slow) {
			all = appendRecent(all, ended, now, Warning{
				ID: "slow_clients", Text: "clients do not read, and are disconnected after ten seconds",
				Remedy: "nothing is lost: they come back with their ids. If there are many, look at their network, or send less: `ignore`, `data`",
			})
		}
	}
	return appendRecent(all, delayed, now, Warning{
		ID: "limit_polls", Text: "polls wait for each other, because `limits polls` is reached",
		Remedy: "events come late. Is the upstream slow? If it can answer more requests at once, raise `limits polls`",
	})
}

// waiting is the warning about a feed whose clients wait.
var waiting = Warning{
	ID: "limit_chains", Text: "clients wait, because `limits chains` is reached",
	Remedy: "they go on when others have caught up. Does it last? Then each answer may have its own cursor: set `id` beside `cursor`. Otherwise, raise `limits chains`",
}

func appendRecent(all []Warning, counted stream.Labelled, now time.Time, w Warning) []Warning {
	if counted.Value == 0 || now.Sub(counted.Last) >= troubledFor {
		return all
	}
	w.Count, w.Last = counted.Value, moment(counted.Last)
	return append(all, w)
}
