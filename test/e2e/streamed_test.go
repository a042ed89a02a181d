package e2e

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// A client that is cut off at each of 100 records of an answer that goes on gets none twice and misses none: on
// one node, and on a node each time that has never seen the feed. The backend breaks off now and then, in the
// midst of a record.
func TestAStreamedFeedIsResumedAtEveryRecord(t *testing.T) {
	for _, framing := range testsite.Framings() {
		for _, breaks := range []int{0, 7} {
			t.Run(fmt.Sprintf("%s, breaking after %d", framing.Name, breaks), func(t *testing.T) {
				var streamer atomic.Pointer[testsite.Streamer]
				addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { streamer.Load().ServeHTTP(w, r) })
				site := testsite.BridgeSite(addr, append([]string{"stream"}, framing.Lines...)...)
				testsite.CutAtEveryEvent(t, site, "text", func(t *testing.T) (string, func(int)) {
					records := testsite.NewStreamer(framing, breaks)
					streamer.Store(records)
					return "/records", func(i int) { records.Say(fmt.Sprintf("event %d", i)) }
				})
			})
		}
	}
}
