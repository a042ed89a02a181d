package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// TestTenThousandFeedsAreListed has feeds that nobody polls.
func TestTenThousandFeedsAreListed(t *testing.T) {
	b := newTestBridge(t, "")
	for i := range 10_000 {
		p, err := upstream.NewRequest(b.plan, testsite.ClientRequest("GET", fmt.Sprintf("/%d", i), ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.feed(p); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.Reports()); n != 10_000 {
		t.Errorf("%d feeds are listed", n)
	}
}

func TestAReportSaysWhoPolls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status feed.Status
		want   string // among the other fields
	}{
		{feed.Status{}, ""},
		{feed.Status{Standing: feed.Standing{Polled: "here"}}, `"polled":"here"`},
		{feed.Status{Standing: feed.Standing{Polled: "elsewhere", Node: "two"}}, `"polled":"elsewhere","polled_by":"two"`},
		{feed.Status{Standing: feed.Standing{Polled: "alone", Alone: "the cluster is down"}}, `"polled":"alone","alone_because":"the cluster is down"`},
	} {
		text, err := json.Marshal(NewReport(About{}, test.status))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), test.want) || test.want == "" && strings.Contains(string(text), `"polled`) {
			t.Errorf("the report of %+v is %s", test.status, text)
		}
	}
}

func TestTalliesAddUp(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, "")
	b.Streams.RejectOver(stream.LimitFeeds)
	var all Tally // has no lists yet
	all.Merge(b.Tally())
	if all.Rejected != nil {
		t.Errorf("there are lists: %+v", all)
	}
	two := b.Tally()
	two.Merge(b.Tally())
	for _, over := range two.Over {
		if want := over.Label == stream.LimitFeeds; want != (over.Value == 2) || want == over.Last.IsZero() {
			t.Errorf("got %+v", over)
		}
	}
}
