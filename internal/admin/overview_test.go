package admin

import (
	"slices"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

func TestPollsThatAnotherNodeHasMadeAreNotCounted(t *testing.T) {
	tally := new(bridge.Tally)
	for i := range feed.Outcomes {
		tally.Polls[i] = 1
	}
	tally.Polls[slices.Index(feed.Outcomes[:], feed.Shared)] = 10
	if total, want := newTotal(tally), int64(len(feed.Outcomes)-1); total.Polls != want || total.Errors != 2 {
		t.Errorf("the total is %d polls and %d errors, want %d and 2", total.Polls, total.Errors, want)
	}
}
