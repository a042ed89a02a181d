package bridge

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
)

// TestAFeedThatTurnsTwiceMeanwhileIsNotAnnounced has the handler of the first event take its time.
func TestAFeedThatTurnsTwiceMeanwhileIsNotAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		hold := make(chan struct{})
		one, two := new(feed.Feed), new(feed.Feed)
		names := map[*feed.Feed]string{one: "one", two: "two"}
		a := newAnnouncer(func(f *feed.Feed, reason string) {
			<-hold
			got = append(got, names[f]+":"+reason)
		})
		a.turned(one, "down")
		synctest.Wait() // that is being announced
		for range 1000 {
			a.turned(one, "")
			a.turned(two, "down")
			a.turned(one, "down")
			a.turned(two, "")
		}
		a.turned(two, "down")
		a.turned(one, "")
		close(hold)
		synctest.Wait()
		if want := []string{"one:down", "two:down", "one:"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if a.running || len(a.waiting) > 0 {
			t.Error("it still runs")
		}
	})
}
