package admin

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// feedsForViews are four feeds, sorted by urgency.
func feedsForViews() []bridge.Report {
	at := func(second int64) *bridge.ReportedPoll { return &bridge.ReportedPoll{At: time.Unix(second, 0)} }
	return []bridge.Report{
		{
			About: bridge.About{ID: "aa01", Bridge: "chat", Method: "GET", Host: "example.com", Path: "/Rooms", Query: []string{"room"}, Cookies: []string{"sid"}},
			State: feed.Down, Reason: "status 502", Clients: 1, Events: 5, Errors: 9, Polls: 9, LastPoll: at(40), Since: time.Unix(2, 0),
		},
		{
			About: bridge.About{ID: "aa02", Bridge: "chat", Method: "POST", Host: "example.com", Path: "/search", Also: []string{"body"}},
			State: feed.Up, Clients: 7, Events: 70, Polls: 3, LastPoll: at(30), Since: time.Unix(3, 0), LogBytes: 9,
			Warnings: []bridge.Warning{{ID: "nothing_found", Text: "`items` has found nothing in any answer so far"}},
		},
		{
			About: bridge.About{ID: "aa03", Bridge: "board", Method: "GET", Host: "example.com", Path: "/prices", Headers: []string{"Authorization"}},
			State: feed.Up, Clients: 3, Events: 8, Polls: 40, LastPoll: at(50), Since: time.Unix(1, 0), LogBytes: 2, Polled: "elsewhere", PolledBy: "node-two",
		},
		{
			About: bridge.About{ID: "aa04", Bridge: "board", Method: "GET", Host: "z.example", Path: "/z", Vars: []string{"csp_nonce"}},
			State: feed.Up, Clients: 3, Since: time.Unix(4, 0), Polls: 2, LogBytes: 4,
		},
	}
}

func TestAViewListsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                         "4: aa01 aa02 aa03 aa04",
		"limit=2":                  "4: aa01 aa02",
		"limit=2&offset=1":         "4: aa02 aa03",
		"limit=2&offset=3":         "4: aa04",
		"offset=4":                 "4:",
		"offset=5":                 "4:",
		"limit=0":                  "4:",
		"sort=urgency":             "4: aa01 aa02 aa03 aa04",
		"sort=-urgency":            "4: aa04 aa03 aa02 aa01",
		"sort=request":             "4: aa01 aa03 aa02 aa04",
		"sort=clients":             "4: aa02 aa03 aa04 aa01",
		"sort=-clients":            "4: aa01 aa03 aa04 aa02", // equal ones stay sorted by urgency
		"sort=events":              "4: aa02 aa03 aa01 aa04",
		"sort=errors":              "4: aa01 aa02 aa03 aa04",
		"sort=polls":               "4: aa03 aa01 aa02 aa04",
		"sort=last_poll":           "4: aa03 aa01 aa02 aa04",
		"sort=since":               "4: aa04 aa02 aa01 aa03",
		"sort=log_bytes":           "4: aa02 aa04 aa03 aa01",
		"filter=chat":              "2: aa01 aa02",
		"filter=CHAT":              "2: aa01 aa02",
		"filter=rooms":             "1: aa01",
		"filter=example.com/s":     "1: aa02",
		"filter=+up++board+":       "2: aa03 aa04",
		"filter=up+chat":           "1: aa02",
		"filter=502":               "1: aa01",
		"filter=post":              "1: aa02",
		"filter=room":              "1: aa01",
		"filter=sid":               "1: aa01",
		"filter=authorization":     "1: aa03",
		"filter=csp":               "1: aa04",
		"filter=body":              "1: aa02",
		"filter=node-two":          "1: aa03",
		"filter=found+nothing":     "1: aa02",
		"filter=nowhere":           "0:",
		"filter=board&sort=-since": "2: aa03 aa04",
		"filter=chat&offset=1":     "2: aa02",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		v, err := newView(values, defaultListed, maxListed)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		all := feedsForViews()
		before := fmt.Sprint(all)
		shown, matching := v.of(all)
		ids := []string{strconv.Itoa(matching) + ":"}
		for _, r := range shown {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
		if shown == nil || fmt.Sprint(all) != before {
			t.Errorf("%s: no list, or the survey is changed", query)
		}
	}
}

func TestAViewThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"limit=-1":   "limit: it must be a number from 0 to 100000",
		"limit=all":  "limit: it must be a number from 0 to 100000",
		"offset=1.5": "offset: it must be a number from 0 to 100000",
		"sort=size":  `sort: "size" is none of clients, errors, events, last_poll, log_bytes, polls, request, since, urgency`,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newView(values, defaultListed, maxListed); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
}

// BenchmarkView lists a page of 10,000 feeds, filtered and sorted.
func BenchmarkView(b *testing.B) {
	var all []bridge.Report
	for i := range 10_000 {
		r := feedsForViews()[i%4]
		r.ID, r.Path = strconv.Itoa(i), strings.Repeat("/part", i%7)+"/"+strconv.Itoa(i)
		all = append(all, r)
	}
	all = sorted(all)
	v, err := newView(url.Values{"filter": {"part up"}, "sort": {"-events"}, "limit": {"50"}}, defaultListed, maxListed)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v.of(all)
	}
}
