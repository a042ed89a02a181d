package ssebridge

import (
	"fmt"
	"testing"
)

// TestTenThousandFeedsAreListed has feeds that nobody polls.
func TestTenThousandFeedsAreListed(t *testing.T) {
	b := newTestBridge(t, "")
	for i := range 10_000 {
		p, err := newPollRequest(b.plan, clientRequest("GET", fmt.Sprintf("/%d", i), ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.feed(p); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.reports()); n != 10_000 {
		t.Errorf("%d feeds are listed", n)
	}
}
