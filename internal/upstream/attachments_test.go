package upstream

import (
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
)

func TestOnlyAnswersOfASessionsPollsAreKeptForAttachments(t *testing.T) {
	t.Parallel()
	const event, attachment = `451-["a"]`, "bAQID"
	socketIO, sockJS := testplan.Of(t, "session socketio"), testplan.Of(t, "session sockjs")
	for name, c := range map[string]struct {
		plan          *config.Plan
		status        int
		aside         bool
		first, second string
	}{
		"a poll":             {socketIO, 200, false, "", event + "\x1e" + attachment},
		"a question":         {socketIO, 200, true, event, attachment},
		"an error":           {socketIO, 400, false, event, attachment},
		"of another library": {sockJS, 200, false, event, attachment},
	} {
		p, session := &Request{Plan: c.plan, bound: bound{Reader: c.plan.Reader}}, new(feed.Session)
		answer := func(body string, status int, aside bool) string {
			resp, _, err := attached(p, feed.Ask{Session: session, Aside: aside}, page.Response{Status: status, Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			return string(resp.Body)
		}
		first, second := answer(event, c.status, c.aside), answer(attachment, 200, false)
		if first != c.first || second != c.second {
			t.Errorf("%s: the answers become %q and %q, want %q and %q", name, first, second, c.first, c.second)
		}
	}
}
