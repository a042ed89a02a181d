package clients

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// listen is a page that keeps what its EventSources bring. A script on it says which there are.
var listen = template.Must(template.New("").Parse(`<!doctype html>
<meta charset="utf-8">
<title>listen</title>
<link rel="icon" href="data:,">
<script>
"use strict";
function listen(url, options) {
	const stream = {source: new EventSource(url, options), events: []};
	for (const type of ["message", "bridge.reset", "bridge.busy", "bridge.position"]) {
		stream.source.addEventListener(type, e => stream.events.push([e.type, e.lastEventId, e.data]));
	}
	return stream;
}
{{.}}
</script>
`))

func writePage(w http.ResponseWriter, script string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	listen.Execute(w, template.JS(script))
}

// eventsOf returns what a stream of the page in the tab has brought.
func eventsOf(tab context.Context, t *testing.T, stream string) []seen {
	t.Helper()
	list, err := chromedp.Run(tab, chromedp.Evaluate[[][3]string](stream+".events"))
	if err != nil {
		t.Fatal(err)
	}
	events := make([]seen, len(list))
	for i, fields := range list {
		events[i] = seen{fields[0], fields[1], fields[2]}
	}
	return events
}

func TestABrowserResumesAfterCuts(t *testing.T) {
	tab := browser.New(t)
	c := testsite.NewChat(time.Minute)
	addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			writePage(w, `const stream = listen("/messages");`)
			return
		}
		c.ServeHTTP(w, r)
	})
	s := testsite.Run(t, fmt.Sprintf(`{{site}} {
	sse_bridge /messages %[1]s {
		long_poll
		items messages
		id id
		data text
		query lastId {sse.cursor}
		retry 50ms
	}
	reverse_proxy %[1]s
}`, addr))
	w := testsite.NewWire(t, s.Addr)
	browser.Open(tab, t, w.URL)
	cutAgainAndAgain(t, c, w, func() []seen { return eventsOf(tab, t, "stream") })
}

func TestABrowserListensAcrossOriginsWithItsCookies(t *testing.T) {
	tab := browser.New(t)
	c := testsite.NewChat(time.Minute)
	c.Say("hello")
	var bridge string // the URL of the stream
	page := func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3cret", Path: "/"})
		writePage(w, fmt.Sprintf(`
			const credentials = listen(%[1]q + "?with", {withCredentials: true});
			const anonymous = listen(%[1]q + "?without");
		`, bridge))
	}
	listed, stranger := httptest.NewServer(http.HandlerFunc(page)), httptest.NewServer(http.HandlerFunc(page))
	t.Cleanup(listed.Close)
	t.Cleanup(stranger.Close)
	s := testsite.Run(t, testsite.ChatSite(testsite.Backend(t, c.ServeHTTP), "cors "+listed.URL))
	bridge = s.URL + "/messages"

	browser.Open(tab, t, listed.URL)
	for _, stream := range []string{"credentials", "anonymous"} {
		testsite.Eventually(t, "the event for "+stream, func() bool { return len(eventsOf(tab, t, stream)) > 0 })
		if got := eventsOf(tab, t, stream); len(got) != 1 || got[0] != (seen{"message", "1", "hello"}) {
			t.Errorf("%s: got %q", stream, got)
		}
	}
	for _, r := range c.Polled() {
		with := r.URL.Query().Has("with")
		if cookie, err := r.Cookie("session"); (err == nil) != with || with && cookie.Value != "s3cret" {
			t.Errorf("the poll %s came with the cookies %q", r.URL, r.Header["Cookie"])
		}
	}

	browser.Open(tab, t, stranger.URL)
	testsite.Eventually(t, "the streams of an origin that is not listed to be refused", func() bool {
		closed, err := chromedp.Run(tab, chromedp.Evaluate[bool](
			`[credentials, anonymous].every(stream => stream.source.readyState === EventSource.CLOSED)`))
		if err != nil {
			t.Fatal(err)
		}
		return closed
	})
	for _, stream := range []string{"credentials", "anonymous"} {
		if got := eventsOf(tab, t, stream); len(got) > 0 {
			t.Errorf("%s: an origin that is not listed got %q", stream, got)
		}
	}
}
