package admin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/sse-bridge/caddy-sse-bridge/internal/cluster"
	"github.com/sse-bridge/caddy-sse-bridge/internal/membership"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testengine"
)

func TestTheReportOfAClusterIsItsStatus(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		status cluster.Status
		want   string
	}{
		{
			name: "two others",
			status: cluster.Status{
				Up: true, Since: now.Add(-time.Hour).In(time.FixedZone("", 3600)), ID: "0123abcd", Name: "eins", Takeovers: 2, Dropped: 3,
				Nodes: []cluster.Node{
					{ID: "11111111", Name: "drei", Version: "v1.0.0", Heard: now.Add(-1500 * time.Millisecond), Differs: "another version"},
					{ID: "22222222", Name: "zwei", Version: "v1.1.0", Heard: now},
				},
			},
			want: `{"up":true,"since":"2026-11-30T11:00:00Z","id":"0123abcd","name":"eins","nodes":[` +
				`{"id":"11111111","name":"drei","version":"v1.0.0","heard_seconds_ago":1.5,"differs":"another version"},` +
				`{"id":"22222222","name":"zwei","version":"v1.1.0","heard_seconds_ago":0}],"takeovers":2,"dropped":3}`,
		},
		{
			name: "nobody else", status: cluster.Status{Since: now, ID: "0123abcd", Name: "eins"},
			want: `{"up":false,"since":"2026-11-30T12:00:00Z","id":"0123abcd","name":"eins","nodes":[],"takeovers":0,"dropped":0}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := json.Marshal(newCluster(test.status, now))
			if err != nil || string(got) != test.want {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
		})
	}
}

func TestTheOverviewHasAClusterOnlyIfThereIsOne(t *testing.T) {
	written := func() string {
		t.Helper()
		text, err := json.Marshal(survey())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := written(); strings.Contains(got, `"cluster"`) {
		t.Errorf("there is a cluster in %s", got)
	}
	logger := zap.NewNop()
	joined, _, err := membership.Join("a cluster", &testengine.Memory{Bus: "overview"}, "here", "v1", logger)
	if err != nil {
		t.Fatal(err)
	}
	defer joined.Leave(logger)
	if got, want := written(), `"cluster":{"up":`; !strings.Contains(got, want) || !strings.Contains(got, `"name":"here"`) {
		t.Errorf("there is no cluster in %s", got)
	}
}
