package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

func TestClientsThatWereTurnedAwayAreToldForAnHour(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	totals := stream.Totals{
		Over: []stream.Labelled{
			{Label: stream.LimitFeeds, Value: 3, Last: now.Add(-59 * time.Minute)},
			{Label: stream.LimitClients, Value: 4, Last: now.Add(-time.Hour)},
			{Label: stream.LimitClientsPerIP},
		},
		Ended: []stream.Labelled{
			{Label: string(feed.Gone), Value: 9, Last: now},
			{Label: string(feed.Slow), Value: 2, Last: now.Add(-time.Second)},
		},
	}
	var got []string
	for _, w := range troubled(totals, stream.Labelled{Value: 5, Last: now.Add(-time.Minute)}, now) {
		got = append(got, fmt.Sprintf("%s %d %s", w.ID, w.Count, now.Sub(*w.Last)))
	}
	if want := "limit_feeds 3 59m0s, slow_clients 2 1s, limit_polls 5 1m0s"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestEachLimitHasARemedy(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, "")
	for _, over := range b.Streams.Totals().Over {
		b.Streams.RejectOver(over.Label)
	}
	warnings := b.Warnings()
	if len(warnings) != len(b.Streams.Totals().Over) {
		t.Errorf("there are %d warnings: %+v", len(warnings), warnings)
	}
	for _, w := range warnings {
		if !strings.HasPrefix(w.ID, "limit_") || w.Remedy == "" || w.Count != 1 || w.Last == nil {
			t.Errorf("got %+v", w)
		}
	}
}

func TestClientsThatWaitAreAWarningOfTheirFeed(t *testing.T) {
	t.Parallel()
	if w := NewReport(About{}, feed.Status{State: feed.Up, Clients: 3, Waiting: 1}).Warnings; len(w) != 1 || w[0].ID != "limit_chains" {
		t.Errorf("got %+v", w)
	}
	if w := NewReport(About{}, feed.Status{State: feed.Up, Clients: 3}).Warnings; len(w) != 0 {
		t.Errorf("got %+v", w)
	}
}

func TestEmptyVariablesOfTheEnvironmentAreNamed(t *testing.T) {
	t.Parallel()
	warnings := newTestBridge(t, `"header_up": [{"name": "X-Key", "value": "{env.SSE_BRIDGE_TEST_NONE}"}]`).Warnings()
	if len(warnings) != 1 || warnings[0].ID != "environment" || !slices.Equal(warnings[0].Names, []string{"{env.SSE_BRIDGE_TEST_NONE}"}) {
		t.Errorf("got %+v", warnings)
	}
}
