package bridge

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestADayOfRecordsTakesNoMoreMemoryThanTheLog reads an answer that goes on for long: 10,000,000 records, of which
// the log keeps 1,000.
func TestADayOfRecordsTakesNoMoreMemoryThanTheLog(t *testing.T) {
	const most, together = 64 << 10, 8
	first, all := 20_000, testsite.Soak(200_000, 10_000_000)
	b := bridgeOf(t, func(w http.ResponseWriter, r *http.Request) {
		var lines bytes.Buffer
		for id := 1; id <= all && r.Context().Err() == nil; id++ {
			fmt.Fprintf(&lines, `{"id":%d,"text":"something of a usual length, as people write it"}`+"\n", id)
			if id%together == 0 {
				_, _ = w.Write(lines.Bytes())
				lines.Reset()
			}
		}
		<-r.Context().Done()
	}, "stream", "format lines", "id id", "query since {sse.cursor}")
	p := requestOf(t, b.plan, testsite.ClientRequest(http.MethodGet, "/log", ""))
	reader, _, err := b.join(p)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	read := 0
	until := func(n int) (heap int64) {
		for read < n {
			if _, err := reader.Next(); err != nil {
				t.Fatal(err)
			}
			read += reader.Took()
		}
		for range 2 {
			runtime.GC()
		}
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before := until(first)
	if after := until(all); after-before > most {
		t.Errorf("%d records more take %d bytes more", all-first, after-before)
	}
}
