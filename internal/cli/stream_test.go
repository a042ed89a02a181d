package cli

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// What is random: the waits after errors, and the name that a chain gives to its counts.
var (
	jitter  = regexp.MustCompile(`next +(?:in [\d.]+m?s|at once): (an error|the answer was over)`)
	counted = regexp.MustCompile(`(~\d+)\.[\w-]+`)
)

// TestTryPrintsAStreamAsItComes has scripts of an upstream: texts that are written, and pauses. After the last one
// the answer ends, in good order but for a last step that is an error.
func TestTryPrintsAStreamAsItComes(t *testing.T) {
	t.Parallel()
	const numbered = `"stream": "60s", "format": "lines", "id": "id", "query": [{"name": "since", "value": "{sse.cursor}"}]`
	for _, c := range []struct {
		name, fields string
		kind         string
		answers      [][]any // of one request after another
		lasts        time.Duration
		polls        int // 0: any number
	}{
		{"lines", numbered + `, "event": {"value": "type"}, "ignore": [{"value": "type", "matches": ["mark"]}]`, "application/x-ndjson", [][]any{
			{"{\"id\":1,\"type\":\"said\"}\n{\"id\":2,\"type\":\"left\"}\n", 10 * time.Second, "\n", 10 * time.Second, "{\"id\":3,\"type\":\"said\"}\n", 5 * time.Second, "{\"id\":4,\"type\":\"mark\"}\n", time.Second},
			{2 * time.Minute},
		}, 2 * time.Minute, 0},
		{"without_positions", `"stream": "60s", "format": "lines", "data": "text"`, "application/json", [][]any{
			{"{\"text\":\"a\"}\n", 2 * time.Second, "{\"text\":\"b\"}\n{\"te", 2 * time.Second},
			{"{\"text\":\"c\"}\n"},
			{"not JSON\n", time.Hour},
		}, 10 * time.Second, 6},
		{"wrong_items", `"stream": "60s", "format": "json", "items": "event"`, "application/json", [][]any{
			{"{\"created\":true}", time.Second, "{\"events\":[1,2]}", time.Second, "{\"events\":[3]}", time.Hour},
		}, 3 * time.Second, 0},
		{"refused", numbered, "text/html", [][]any{{http.StatusServiceUnavailable, "later"}}, time.Second, 1},
		{"no_head", numbered + `, "timeout": "5s"`, "", [][]any{{nil, time.Hour}}, 6 * time.Second, 1},
		{"events", `"stream": "60s", "format": "sse"`, "text/event-stream", [][]any{
			{": hello\n\n", time.Second, "retry: 7000\nid: 5\nevent: news\ndata: one\n\n", time.Second, "id: 6\n\n", time.Second},
			{time.Hour},
		}, 12 * time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				h := testbridge.New(testbridge.Bridge(t, c.fields))
				h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
					script := []any{time.Hour}
					if asked++; asked <= len(c.answers) {
						script = c.answers[asked-1]
					}
					w.Header().Set("Content-Type", c.kind)
					if script[0] != nil {
						status, _ := script[0].(int)
						w.WriteHeader(max(status, http.StatusOK))
					}
					for _, step := range script {
						switch step := step.(type) {
						case string:
							if _, err := io.WriteString(w, step); err != nil {
								return err
							}
						case time.Duration:
							select {
							case <-time.After(step):
							case <-r.Context().Done():
								return r.Context().Err()
							}
						}
					}
					return nil
				})
				h.Bridge.Add(h.Instance)
				a := &attempt{server: new(caddyhttp.Server), out: &trial.Text{W: &out}, stop: func() {}, polls: c.polls}
				h.Bridge.WatchBy(a)
				client := testbridge.Open(t, h, false)
				testbridge.Pass(c.lasts)
				client.Leave()
				testbridge.Pass(10 * time.Second)
				testbridge.End(t, h.Bridge)
			})
			testsite.Golden(t, filepath.Join("internal/cli/testdata/stream", c.name+".golden"), counted.ReplaceAllString(jitter.ReplaceAllString(out.String(), "next       in TIME: $1"), "$1.RANDOM"))
		})
	}
}
