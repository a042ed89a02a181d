package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

const (
	// maxTroubles is how many troubles an answer has.
	maxTroubles = 50
	// maxPlaces is how many URLs a trouble names.
	maxPlaces = 3
)

// severity is a fixed word for how bad a trouble is.
type severity string

// The severities, the worst one first.
const (
	isDown    severity = "down"    // clients get nothing
	isRefused severity = "refused" // clients got no stream
	isWarning severity = "warning" // clients get something, but it may not be what it should be
)

var severities = []severity{isDown, isRefused, isWarning}

// trouble is one thing that is wrong, with what to do about it. Feeds of one bridge with which the same is wrong are one trouble.
type trouble struct {
	Severity severity `json:"severity"`
	bridge.Warning
	Bridge string `json:"bridge,omitempty"` // empty: it is the cluster's
	Reason string `json:"reason,omitempty"` // of feeds that are down

	Feeds    int        `json:"feeds"`
	Clients  int        `json:"clients"` // of these feeds, now
	Since    *time.Time `json:"since,omitempty"`
	Polling  bool       `json:"polling"`             // one of the feeds that are down is being polled
	NextPoll *time.Time `json:"next_poll,omitempty"` // the next one of those

	Places []place `json:"places"` // of the feeds: those with the most clients
	URLs   int     `json:"urls"`   // how many places there are
}

// place is where a trouble is.
type place struct {
	Method  string   `json:"method"`
	Host    string   `json:"host"`
	Path    string   `json:"path"`
	Query   []string `json:"query"`
	Feed    string   `json:"feed"` // the id of one of the feeds
	Feeds   int      `json:"feeds"`
	Clients int      `json:"clients"`
}

// troubles put together what is the same.
type troubles struct {
	byKey  map[string]*trouble
	places map[*trouble]map[string]*place
}

// troublesOf returns what is wrong, the worst first.
func troublesOf(o *Overview) []trouble {
	t := &troubles{make(map[string]*trouble), make(map[*trouble]map[string]*place)}
	for i := range o.Feeds {
		t.feed(&o.Feeds[i])
	}
	for i := range o.Refusals {
		t.refusal(&o.Refusals[i])
	}
	for _, unit := range o.Bridges {
		for _, w := range unit.Warnings {
			t.of(isWarning, w, unit.Bridge, "")
		}
	}
	t.cluster(o.Cluster)
	return t.sorted()
}

// feed adds what is wrong with a feed. Feeds that are refused are among the refusals, for longer than they are there.
func (t *troubles) feed(r *bridge.Report) {
	if r.State == feed.Shut {
		return
	}
	for i, w := range r.Warnings {
		severity, reason := isWarning, ""
		if i == 0 && r.State == feed.Down {
			severity, reason = isDown, r.Reason
		}
		found := t.of(severity, w, r.Bridge, reason)
		found.Feeds++
		found.Clients += r.Clients
		if severity == isDown {
			found.Since = first(found.Since, &r.Since)
			found.Polling = found.Polling || r.PollingSince != nil
			found.NextPoll = first(found.NextPoll, r.NextPoll)
		}
		t.at(found, &r.About, r.Clients)
	}
}

func (t *troubles) refusal(r *bridge.Refusal) {
	for _, w := range r.Warnings {
		found := t.of(isRefused, w, r.Bridge, "")
		found.Count += int64(r.Clients)
		found.Since = first(found.Since, &r.First)
		if found.Last == nil || r.Last.After(*found.Last) {
			found.Last = &r.Last
		}
		t.at(found, &r.About, r.Clients)
	}
}

// cluster adds what is wrong with the cluster, as this node sees it.
func (t *troubles) cluster(c *reportedCluster) {
	if c == nil {
		return
	}
	add := func(w bridge.Warning) *trouble { return t.of(isWarning, w, "", "") }
	if !c.Up {
		add(bridge.Warning{
			ID: "cluster_down", Text: "the cluster's engine cannot be reached, so each node polls for itself",
			Remedy: "no event is lost. Does the engine run, and can this node reach it? The log has the error",
		}).Since = &c.Since
	} else if len(c.Nodes) == 0 {
		add(bridge.Warning{
			ID: "cluster_alone", Text: "no other node of the cluster is heard",
			Remedy: "are there others? Then compare the engine's address and the `prefix`",
		})
	}
	for _, n := range c.Nodes {
		if n.Differs != "" {
			add(bridge.Warning{
				ID: "cluster_differs", Text: fmt.Sprintf("the node %s differs from this one: %s", n.Name, n.Differs),
				Remedy: "polls may not be shared: finish the upgrade, or make the configurations the same",
			})
		}
	}
	if c.Dropped > 0 {
		add(bridge.Warning{
			ID: "cluster_dropped", Text: "messages of the cluster could not be read, because somebody else publishes under its prefix",
			Remedy: "look for another program, a node of a later release, or an attacker: give the nodes a user and a `prefix` of their own", Count: c.Dropped,
		})
	}
}

// of returns the trouble of this kind.
func (t *troubles) of(severity severity, w bridge.Warning, bridge, reason string) *trouble {
	key := strings.Join(append([]string{string(severity), w.ID, w.Text, bridge, reason}, w.Names...), "\n")
	found := t.byKey[key]
	if found == nil {
		found = &trouble{Severity: severity, Warning: w, Bridge: bridge, Reason: reason, Places: []place{}}
		t.byKey[key], t.places[found] = found, make(map[string]*place)
	}
	return found
}

// at notes that a trouble is also at the URL of a feed.
func (t *troubles) at(found *trouble, about *bridge.About, clients int) {
	key := about.Method + " " + about.Host + about.Path + "?" + strings.Join(about.Query, "&")
	at := t.places[found][key]
	if at == nil {
		at = &place{Method: about.Method, Host: about.Host, Path: about.Path, Query: about.Query, Feed: about.ID}
		t.places[found][key] = at
	}
	at.Feeds++
	at.Clients += clients
}

// sorted returns all troubles, each with its first places.
func (t *troubles) sorted() []trouble {
	all := []trouble{}
	for _, found := range t.byKey {
		places := make([]place, 0, len(t.places[found]))
		for _, at := range t.places[found] {
			places = append(places, *at)
		}
		slices.SortFunc(places, func(a, b place) int {
			return cmp.Or(cmp.Compare(b.Clients, a.Clients), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), slices.Compare(a.Query, b.Query), cmp.Compare(a.Method, b.Method))
		})
		found.URLs, found.Places = len(places), places[:min(len(places), maxPlaces)]
		all = append(all, *found)
	}
	slices.SortFunc(all, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
			cmp.Compare(b.Clients, a.Clients), cmp.Compare(b.Feeds, a.Feeds), cmp.Compare(a.Bridge, b.Bridge), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Text, b.Text))
	})
	return all
}

// first returns the earlier one of two times; nil counts as none.
func first(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}
