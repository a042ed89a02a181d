package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// A build log as Jenkins gives it: by the offset in bytes, and with a header for as long as the
// build goes on.
func TestLogIsStreamedLineByLineUntilItEnds(t *testing.T) {
	const log = "Started\nBuilding\nFinished: SUCCESS\n"
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		start, end := 0, len("Started\n")
		fmt.Sscan(r.URL.Query().Get("start"), &start)
		if start > 0 {
			end = len(log)
		}
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.Header().Set("X-Text-Size", strconv.Itoa(end))
		if end < len(log) {
			w.Header().Set("X-More-Data", "true")
		}
		fmt.Fprint(w, log[start:end])
	})
	s := testsite.Run(t, testsite.FormatSite(upstream, "interval 10ms", "format lines", "cursor {sse.header.X-Text-Size}",
		"query start {sse.cursor}", "end !{sse.header.X-More-Data}"))
	stream := testsite.Subscribe(t, s.URL)
	var first testsite.Received
	for i, want := range []string{"Started", "Building", "Finished: SUCCESS"} {
		got := stream.Next()
		if got.Data != want {
			t.Errorf("line %d is %q, want %q", i+1, got.Data, want)
		}
		if i == 0 {
			first = got
		}
	}
	stream.Ended()
	again := testsite.Subscribe(t, s.URL, "Last-Event-ID", first.ID)
	if got := again.Next(); got.Data != "Building" {
		t.Errorf("after the first line comes %q", got.Data)
	}
}

func TestFormatsBecomeEvents(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		lines                   []string
		want                    []testsite.Received
	}{
		{
			"xml", "text/xml", `<?xml version="1.0" encoding="ISO-8859-1"?><log><row id="1">caf` + "\xe9" + `</row><row id="2" kind="noise">x</row><row id="3">1.10</row></log>`,
			[]string{"format xml", "items log.row", "id -id", "data \"#text\"", "ignore -kind noise", "query since {sse.cursor}"},
			[]testsite.Received{{ID: "1", Data: "café"}, {ID: "3", Data: "1.10"}},
		},
		{
			"feed", "application/rss+xml", `<rss version="2.0"><channel><item><guid>b</guid><title>two</title></item><item><guid>a</guid><title>one</title></item></channel></rss>`,
			[]string{"format feed", "id guid", "data title", "order newest_first"},
			[]testsite.Received{{ID: "a", Data: "one"}, {ID: "b", Data: "two"}},
		},
		{
			"csv", "text/csv", "id;text\n1;\"a;b\"\n2;c\n",
			[]string{"format csv header ;", "id id", "data text", "query since {sse.cursor}"},
			[]testsite.Received{{ID: "1", Data: "a;b"}, {ID: "2", Data: "c"}},
		},
		{
			"lines of JSON", "application/x-ndjson", `{"id":"x","event":"open"}` + "\n" + `{"id":"y","event":"message","message":"hi"}` + "\n",
			[]string{"format lines", "id id", "data message", "ignore event open keepalive", "query since {sse.cursor}"},
			[]testsite.Received{{ID: "y", Data: "hi"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("since") {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				w.Header().Set("Content-Type", c.contentType)
				fmt.Fprint(w, c.body)
			})
			stream := testsite.Subscribe(t, testsite.Run(t, testsite.FormatSite(upstream, c.lines...)).URL)
			for _, want := range c.want {
				if got := stream.Next(); got.ID != want.ID || got.Data != want.Data {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
		})
	}
}

func TestPlaceholdersOfConditionsArePartOfTheFeed(t *testing.T) {
	upstream := testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"id":1,"from":"ann"},{"id":2,"from":"bob"}]`)
	})
	s := testsite.Run(t, testsite.FormatSite(upstream, "items @this", "id id", "data from", "order newest_first",
		`ignore {http.request.header.X-Me}:{sse.item.from} ann:ann bob:bob`))
	for me, want := range map[string]string{"ann": "bob", "bob": "ann"} {
		if got := testsite.Subscribe(t, s.URL, "X-Me", me).Next(); got.Data != want {
			t.Errorf("%s gets the message of %s", me, got.Data)
		}
	}
}
