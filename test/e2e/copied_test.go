package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestPollsThatLackWhatForwardAuthSaysAreNamedOnce(t *testing.T) {
	auth := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Remote-User", "s3cret-user")
		w.Header().Set("Remote-Groups", "s3cret-group")
		w.Header().Set("Cache-Control", "no-cache")
	})
	up := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello " + r.Header.Get("Remote-User"))) })
	for _, c := range []struct{ front, block, want, data string }{
		{"forward_auth " + auth + " {\nuri /\ncopy_headers Remote-User Remote-Groups\n}", "", `"headers":["Remote-Groups","Remote-User"]`, "hello "},
		{"forward_auth " + auth + " {\nuri /\ncopy_headers Remote-User Remote-Groups\n}", "{\nheader_up Remote-User {header.Remote-User}\n}", `"headers":["Remote-Groups"]`, "hello s3cret-user"},
		{"forward_auth " + auth + " {\nuri /\ncopy_headers Remote-User\n}", "{\nheader_up Remote-User {header.Remote-User}\n}", "", "hello s3cret-user"},
		{"forward_auth " + auth + " {\nuri /\n}", "", "", "hello "},
		{"request_header Remote-User someone", "", "", "hello "},
	} {
		log, options := global(t)
		s := testsite.Run(t, options+"{{site}} {\n"+c.front+"\nsse_bridge "+up+" "+c.block+"\n}")
		for range 2 {
			if e := testsite.Subscribe(t, s.URL, "Cache-Control", "no-cache").Next(); e.Data != c.data {
				t.Errorf("%s %s: got %+v", c.front, c.block, e)
			}
		}
		lines, raw := log.entries(t, bridgeLogger)
		told := 0
		for _, line := range lines {
			if strings.HasPrefix(line.Msg, "forward_auth in front ") {
				told++
			}
		}
		if told > 1 || told == 1 != (c.want != "") || !strings.Contains(raw, c.want) || strings.Contains(raw, "s3cret") {
			t.Errorf("%s %s: it is said %d times: %s", c.front, c.block, told, raw)
		}
	}
}
