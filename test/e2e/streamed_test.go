package e2e

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// A client that is cut off at each of 100 records of an answer that goes on gets none twice and misses none: on
// one node, and on a node each time that has never seen the feed, and where the backend breaks off in the
// midst of a record.
func TestAStreamedFeedIsResumedAtEveryRecord(t *testing.T) {
	framings := testsite.Framings()
	for _, framing := range framings {
		t.Run(framing.Name, func(t *testing.T) { cutAtEveryRecord(t, framing, 0) })
	}
	t.Run(framings[0].Name+", breaking off", func(t *testing.T) { cutAtEveryRecord(t, framings[0], 7) })
}

func cutAtEveryRecord(t *testing.T, framing testsite.Framing, breaks int) {
	t.Helper()
	var streamer atomic.Pointer[testsite.Streamer]
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { streamer.Load().ServeHTTP(w, r) })
	site := testsite.BridgeSite(addr, append([]string{"stream"}, framing.Lines...)...)
	testsite.CutAtEveryEvent(t, site, "text", func(t *testing.T) (string, func(int)) {
		records := testsite.NewStreamer(framing, breaks)
		streamer.Store(records)
		return "/records", func(i int) { records.Say(fmt.Sprintf("event %d", i)) }
	})
}
