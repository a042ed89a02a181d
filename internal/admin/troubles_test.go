package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// line is a trouble in one line.
func (t trouble) line() string {
	parts := []string{string(t.Severity), t.ID}
	if t.Bridge != "" {
		parts = append(parts, "of "+t.Bridge)
	}
	if t.Reason != "" {
		parts = append(parts, "("+t.Reason+")")
	}
	parts = append(parts, fmt.Sprintf("%d feeds %d clients", t.Feeds, t.Clients))
	if t.Since != nil {
		parts = append(parts, fmt.Sprint("since ", t.Since.Unix()))
	}
	if t.NextPoll != nil {
		parts = append(parts, fmt.Sprint("next ", t.NextPoll.Unix()))
	}
	if t.Count > 0 {
		parts = append(parts, fmt.Sprint("count ", t.Count))
	}
	if t.Last != nil {
		parts = append(parts, fmt.Sprint("last ", t.Last.Unix()))
	}
	for _, p := range t.Places {
		parts = append(parts, fmt.Sprintf("%s %s%s %d/%d", p.Method, p.Host, p.Path, p.Feeds, p.Clients))
	}
	if t.URLs > len(t.Places) {
		parts = append(parts, fmt.Sprintf("of %d", t.URLs))
	}
	return strings.Join(parts, " ")
}

func TestEachThingThatIsWrongIsOneTrouble(t *testing.T) {
	t.Parallel()
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	about := func(bridge_, path string) bridge.About {
		return bridge.About{ID: "id" + path, Bridge: bridge_, Method: "GET", Host: "a.example", Path: path, Query: []string{"room"}}
	}
	warning := func(ids ...string) (all []bridge.Warning) {
		for _, id := range ids {
			all = append(all, bridge.Warning{ID: id, Text: "it is " + id, Remedy: "mend " + id})
		}
		return all
	}
	next, later := at(60), at(70)
	down := func(path string, clients int, since time.Time, next *time.Time) bridge.Report {
		return bridge.Report{About: about("chat", path), State: feed.Down, Reason: "status 502", Since: since, Clients: clients, NextPoll: next, Warnings: warning("status")}
	}
	for name, test := range map[string]struct {
		overview Overview
		want     []string
	}{
		"nothing": {Overview{Feeds: []bridge.Report{{About: about("chat", "/"), State: feed.Up, Warnings: []bridge.Warning{}}}}, nil},
		"feeds that are down for one reason are one trouble, with the URLs that most clients wait for": {
			Overview{Feeds: []bridge.Report{
				down("/a", 1, at(30), nil), down("/b", 2, at(20), &later), down("/b", 3, at(40), &next), down("/c", 4, at(50), nil), down("/d", 0, at(50), nil),
			}},
			[]string{"down status of chat (status 502) 5 feeds 10 clients since 20 next 60 GET a.example/b 2/5 GET a.example/c 1/4 GET a.example/a 1/1 of 4"},
		},
		"other reasons, other warnings and other bridges are others, and what is down comes first": {
			Overview{Feeds: []bridge.Report{
				{About: about("board", "/x"), State: feed.Up, Clients: 90, Warnings: warning("nothing_found")},
				{About: about("chat", "/x"), State: feed.Up, Clients: 5, Warnings: warning("nothing_found", "stuck")},
				{About: about("chat", "/y"), State: feed.Down, Reason: "status 503", Since: at(1), Clients: 1, Warnings: warning("status", "stuck")},
				down("/z", 2, at(2), nil),
			}},
			[]string{
				"down status of chat (status 502) 1 feeds 2 clients since 2 GET a.example/z 1/2",
				"down status of chat (status 503) 1 feeds 1 clients since 1 GET a.example/y 1/1",
				"warning nothing_found of board 1 feeds 90 clients GET a.example/x 1/90",
				"warning stuck of chat 2 feeds 6 clients GET a.example/x 1/5 GET a.example/y 1/1",
				"warning nothing_found of chat 1 feeds 5 clients GET a.example/x 1/5",
			},
		},
		"what was refused is told once, though a feed is still there": {
			Overview{
				Feeds: []bridge.Report{{About: about("chat", "/r"), State: feed.Shut, Reason: "status 401", Warnings: warning("status_401")}},
				Refusals: []bridge.Refusal{
					{About: about("chat", "/r"), Clients: 2, First: at(5), Last: at(9), Warnings: warning("status_401")},
					{About: about("chat", "/s"), Clients: 1, First: at(4), Last: at(6), Warnings: warning("status_401")},
					{About: about("chat", "/s"), Clients: 7, First: at(7), Last: at(8), Warnings: warning("status_404")},
				},
			},
			[]string{
				"refused status_401 of chat 0 feeds 0 clients since 4 count 3 last 9 GET a.example/r 1/2 GET a.example/s 1/1",
				"refused status_404 of chat 0 feeds 0 clients since 7 count 7 last 8 GET a.example/s 1/7",
			},
		},
		"bridges": {
			Overview{Bridges: []reportedUnit{{Bridge: "chat", Warnings: []bridge.Warning{
				{ID: "limit_feeds", Count: 3, Last: &next}, {ID: "feeds_differ", Names: []string{"sid"}}, {ID: "feeds_differ", Names: []string{"room"}},
			}}}},
			[]string{
				"warning feeds_differ of chat 0 feeds 0 clients", "warning feeds_differ of chat 0 feeds 0 clients",
				"warning limit_feeds of chat 0 feeds 0 clients count 3 last 60",
			},
		},
		"a cluster that is well": {Overview{Cluster: &reportedCluster{Up: true, Nodes: []reportedNode{{Name: "two"}}}}, nil},
		"a cluster that is not": {
			Overview{Cluster: &reportedCluster{Up: true, Dropped: 4, Nodes: []reportedNode{{Name: "two", Differs: "another version"}}}},
			[]string{"warning cluster_differs 0 feeds 0 clients", "warning cluster_dropped 0 feeds 0 clients count 4"},
		},
		"a node alone":              {Overview{Cluster: &reportedCluster{Up: true}}, []string{"warning cluster_alone 0 feeds 0 clients"}},
		"a cluster that is no more": {Overview{Cluster: &reportedCluster{Since: at(3)}}, []string{"warning cluster_down 0 feeds 0 clients since 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, trouble := range troublesOf(&test.overview) {
				got = append(got, trouble.line())
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestTroublesOfManyFeedsAreFew has the backend of 10,000 different URLs be away.
func TestTroublesOfManyFeedsAreFew(t *testing.T) {
	t.Parallel()
	var o Overview
	for i := range 10_000 {
		o.Feeds = append(o.Feeds, bridge.Report{
			About: bridge.About{Bridge: "chat", Host: "a.example", Path: fmt.Sprint("/", i)}, State: feed.Down, Reason: "upstream unreachable", Clients: 1,
			Warnings: []bridge.Warning{{ID: "unreachable"}},
		})
	}
	all := troublesOf(&o)
	if len(all) != 1 || all[0].URLs != 10_000 || len(all[0].Places) != maxPlaces || all[0].Clients != 10_000 {
		t.Errorf("there are %d troubles: %.3v", len(all), all)
	}
}
