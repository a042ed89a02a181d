package bridge

import (
	"fmt"
	"testing"

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
