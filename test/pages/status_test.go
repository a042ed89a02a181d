// Package pages looks for barriers in all pages of the product and of its demos.
package pages

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// shows waits until a page has a text.
func shows(t *testing.T, p browser.Page, text string) {
	t.Helper()
	testsite.Eventually(t, "the page to show "+text, func() bool {
		var all string
		p.Evaluate(t, "document.body.innerText", &all)
		return strings.Contains(all, text)
	})
}

// rich is a snapshot like the last one, with what only a cluster has, and with rows of each kind.
const rich = `(() => {
	const now = new Date().toISOString(), feed = before.feeds[0];
	const warning = {id: "stuck", text: "the cursor does not move", remedy: "does the poll send {sse.cursor}?"};
	const trouble = {...warning, bridge: "chat", feeds: 3, clients: 4, since: now, polling: false, places: before.troubles[0].places, urls: 7, names: ["sid", "_ga"], count: 12, last: now};
	return {
		...before, time: now,
		cluster: {up: true, since: now, id: "0123abcd", name: "a-node-with-a-long-name.example.com", takeovers: 1, dropped: 2, nodes: [
			{id: "11111111", name: "another-node-with-a-long-name.example.com", version: "v1.0.0", heard_seconds_ago: 0.25, differs: ""},
			{id: "22222222", name: "three", version: "v1.1.0", heard_seconds_ago: 1, differs: "another version, and no block in common"},
		]},
		troubles: ["down", "refused", "warning"].map(severity => ({...trouble, severity, reason: severity === "down" ? "status 502" : ""})), all_troubles: 60,
		feeds: ["new", "up", "down", "refused"].map((state, i) => ({
			...feed, id: "aa0" + i, state, reason: i > 1 ? "status 403" : "", warnings: i ? [warning, warning] : [], waiting: i, chains: 3, errors: i,
			method: "POST", headers: ["Authorization", "Cookie"], cookies: ["sid", "_ga"], vars: ["csp_nonce"], placeholders: [], also: ["original_uri"],
			path: "/a-rather/long-path/of-an-endpoint/with-many-parts/and-" + "x".repeat(60) + "/messages.json", query: ["room", "user", "since"], cursor: "x".repeat(64),
			polled: ["here", "elsewhere", "alone", ""][i], polled_by: "another-node-with-a-long-name.example.com", alone_because: "at another place than the node that polls",
		})), matching: 400,
	};
})()`

func TestTheStatusPageHasNoBarriers(t *testing.T) {
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, `[{"id": 1}]`)
	})
	site, page := testsite.StatusSite(t)
	s, _ := testsite.RunWithAdmin(t, "{{site}} {\n\tsse_bridge "+backend+" {\n\t\tinterval 100ms\n\t\titems @this\n\t\tid id\n\t\tquery since {sse.cursor}\n\t}\n}\n"+site)
	testsite.Subscribe(t, s.URL+"/a-rather/long-path/of-an-endpoint/with-many-parts/messages?room=1&user=2", "Cookie", "a=1").Next()
	testsite.Subscribe(t, s.URL+"/down").HasComment("status 502")
	browser.InEachTheme(t, func(t *testing.T, p browser.Page) {
		p.Open(t, page)
		shows(t, p, "1 of 2 feeds is down.")
		shows(t, p, "Polls saved by sharing")
		browser.Audit(t, p)

		// All that there can be on it, when it is old.
		p.Evaluate(t, `(source.close(), show(`+rich+`), last = Date.now() - 4000)`, new(any))
		shows(t, p, "No word from Caddy")
		shows(t, p, "another version, and no block in common")
		browser.Audit(t, p)
		var inside bool
		p.Evaluate(t, `[...document.querySelectorAll(".wide")].every(e => e.scrollWidth <= e.clientWidth)`, &inside)
		if !inside {
			t.Errorf("at %d pixels a table scrolls sideways", browser.Widths[len(browser.Widths)-1])
		}
	})
}
