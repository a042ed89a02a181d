package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// A reload that leaves the block alone keeps the answer that goes on: the backend gets no other request, and the
// client every record.
func TestReloadsKeepAnAnswerThatGoesOn(t *testing.T) {
	lines := testsite.Framings()[0]
	records, requests := testsite.NewStreamer(lines, 0), atomic.Int32{}
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		records.ServeHTTP(w, r)
	})
	site := testsite.BridgeSite(addr, append([]string{"stream"}, lines.Lines...)...)
	s := testsite.Run(t, site)
	client := testsite.Subscribe(t, s.URL+"/records")
	for i := 1; i <= 5; i++ {
		records.Say(fmt.Sprintf("event %d", i))
		if e := client.Next(); e.ID != strconv.Itoa(i) {
			t.Fatalf("record %d came as %+v", i, e)
		}
		s.Reload(strings.Replace(site, "{{site}} {", fmt.Sprintf("{{site}} {\n\thandle /other%d {\n\t\trespond ok\n\t}", i), 1))
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("the backend got %d requests", n)
	}
}

// A bridge stands behind another one: its clients get what that one's clients get, with the same ids, and share one
// connection to it. It does not ask the backend.
func TestABridgeBehindABridge(t *testing.T) {
	c := testsite.NewChat(time.Minute)
	up := testsite.Backend(t, c.ServeHTTP)
	s := testsite.Run(t, "{{site}} {\n\tsse_bridge /messages "+up+" {\n\t\tlong_poll\n\t\titems messages\n\t\tid id\n\t\tquery lastId {sse.cursor}\n\t}\n"+
		"\tsse_bridge /again {{site}} {\n\t\tstream\n\t\tformat sse\n\t\trewrite /messages\n\t}\n}\n")
	first, second := testsite.Subscribe(t, s.URL+"/again"), testsite.Subscribe(t, s.URL+"/again")
	stop := c.Publish(20 * time.Millisecond)
	var ids []string
	for range 20 {
		e := first.Next()
		if other := second.Next(); other.ID != e.ID || other.Data != e.Data {
			t.Fatalf("one client got %+v, the other %+v", e, other)
		}
		ids = append(ids, e.ID)
	}
	stop()
	checkSequence(t, ids, 20)
	back := testsite.Subscribe(t, s.URL+"/again", "Last-Event-ID", "5")
	if e := back.Next(); e.ID != "6" {
		t.Errorf("a client that comes back after 5 got %+v", e)
	}
}
