package upstream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestTheEventIDIsTakenFromTheHeaderFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ header, query, id, rest string }{
		{"", "a=1", "", "a=1"},
		{"7", "a=1", "7", "a=1"},
		{"7", "lastEventId=6&a=1", "7", "a=1"},
		{"", "a=1&lastEventId=a%2Cb%2B+c", "a,b+ c", "a=1"},
		{"", "last_event_id=5&a=1&Last-Event-ID=4", "4", "a=1"},
		{"", "lastEventId=&Last-Event-ID=4", "4", ""},
		{"", "lasteventid=4", "4", ""},
	} {
		r := &http.Request{Header: http.Header{}, URL: &url.URL{RawQuery: c.query}}
		if c.header != "" {
			r.Header.Set("Last-Event-ID", c.header)
		}
		if id, rest := splitID(r); id != c.id || rest != c.rest {
			t.Errorf("%s and %s: got %q and %q", c.header, c.query, id, rest)
		}
	}
}

func TestTheNewestOfSeveralLastEventIDsCounts(t *testing.T) {
	t.Parallel()
	plan := testplan.Of(t, "items a", "id id", "query since {sse.cursor}")
	for _, c := range []struct{ query, header, want string }{
		{"lastEventId=2&lastEventId=13", "", "13"}, // reconnecting-eventsource appends its own
		{"lastEventId=13&lastEventId=", "", "13"},
		{"last_event_id=2&x=1&Last-Event-ID=13", "", "13"},
		{"Last-Event-ID=2&lastEventId=13", "", "13"},
		{"lastEventID=13", "", "13"}, // as Mercure spells it
		{"LASTEVENTID=2&last%45ventid=13", "", "13"},
		{"LAST_event_ID=13", "", "13"},
		{"lastEventId=2", "13", "13"},
		{"lastEventId", "", ""},
	} {
		var changes []testsite.Change
		if c.header != "" {
			changes = append(changes, testsite.Header("Last-Event-ID", c.header))
		}
		p := Accept(t, plan, testsite.ClientRequest("GET", "/a?y=1&"+c.query+"&z=2", "", changes...))
		if p.LastID != c.want {
			t.Errorf("%s, header %q: the id is %q, want %q", c.query, c.header, p.LastID, c.want)
		}
		r := build(t, p, askFrom())
		original := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
		for _, uri := range []string{r.RequestURI, original.RequestURI} {
			if lower := strings.ToLower(uri); strings.Contains(lower, "lastevent") || strings.Contains(lower, "last_event") || strings.Contains(lower, "last-event") {
				t.Errorf("%s: the upstream gets %s", c.query, uri)
			}
		}
	}
}
