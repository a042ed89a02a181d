package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/admin"
	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// overviewOf returns what the admin API says of all feeds.
func overviewOf(t *testing.T, admin, query string) (o admin.Overview) {
	t.Helper()
	if err := json.Unmarshal([]byte(testsite.Fetch(t, admin+"/sse_bridge/feeds"+query)), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestTheAdminAPISaysHowFeedsAre(t *testing.T) {
	broken := newScript(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("fail") {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			fmt.Fprint(w, `[{"id":"`+strings.Repeat("x", 100)+`"}]`)
		}
		return true
	})
	up := testsite.Backend(t, broken.ServeHTTP)
	s, admin := testsite.RunWithAdmin(t, "{{site}} {\n\tsse_bridge "+up+" {\n\t\tname board\n\t\tinterval 50ms\n\t\titems @this\n\t\tid id\n\t\tquery since {sse.cursor}\n\t\theader_up X-Team red\n\t}\n}")
	testsite.Subscribe(t, s.URL+"/good?room=blue&bare", "Cookie", "sid=1").Next()
	testsite.Subscribe(t, s.URL+"/good?room=blue&bare", "Cookie", "sid=1").Next()
	down := testsite.Subscribe(t, s.URL+"/bad?fail=1")
	down.HasComment("status 503")

	o := overviewOf(t, admin, "")
	if len(o.Feeds) != 2 || o.Total.Feeds != 2 || o.Total.FeedsDown != 1 || o.Total.Clients != 3 || len(o.Bridges) != 1 || o.Bridges[0].Bridge != "board" {
		t.Fatalf("got %+v", o)
	}
	bad, good := o.Feeds[0], o.Feeds[1]
	if bad.State != feed.Down || bad.Reason != "status 503" || bad.LastPoll.Status != 503 || bad.LastPoll.Outcome != feed.Failed || bad.Errors == 0 || bad.Backoff == 0 || bad.Path != "/bad" {
		t.Errorf("what is down is not said first: %+v", bad)
	}
	if good.State != feed.Up || good.Clients != 2 || good.Cursor != strings.Repeat("x", 64) || good.LastPoll.Status != 200 || good.Events == 0 || good.LogEvents != 1 || good.Host != strings.TrimPrefix(s.URL, "http://") {
		t.Errorf("got %+v", good)
	}
	if got := fmt.Sprint(good.Query, good.Headers, bad.Query, bad.Headers); got != "[room] [Cookie X-Team] [fail] [X-Team]" {
		t.Errorf("the poll requests are made of %s", got)
	}

	var one bridge.Report
	if err := json.Unmarshal([]byte(testsite.Fetch(t, admin+"/sse_bridge/feeds/"+bad.ID)), &one); err != nil || one.ID != bad.ID || one.State != feed.Down {
		t.Errorf("got %+v, %v", one, err)
	}
	if o = overviewOf(t, admin, "?limit=1"); len(o.Feeds) != 1 || o.Feeds[0].ID != bad.ID || o.Total.Feeds != 2 {
		t.Errorf("of one: %+v", o)
	}
	if o = overviewOf(t, admin, "?filter=up+room"); len(o.Feeds) != 1 || o.Feeds[0].ID != good.ID || o.Matching != 1 || o.States[feed.Down] != 1 || o.States[feed.Up] != 1 {
		t.Errorf("with a filter: %+v", o)
	}
	watching := testsite.Subscribe(t, admin+"/sse_bridge/events?sort=-clients&limit=1&offset=1")
	if first := watching.Next(); !strings.Contains(first.Data, `"matching":2,"feeds":[{"id":"`+good.ID) {
		t.Errorf("the second one of those with few clients first: %+v", first)
	}
	watching.Close()
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/sse_bridge/feeds/nothing", 404},
		{"GET", "/sse_bridge/nothing", 404},
		{"GET", "/sse_bridge/feeds?limit=-1", 400},
		{"GET", "/sse_bridge/feeds?limit=all", 400},
		{"GET", "/sse_bridge/feeds?sort=size", 400},
		{"GET", "/sse_bridge/events?limit=1001", 400},
		{"POST", "/sse_bridge/feeds", 405},
		{"DELETE", "/sse_bridge/feeds/" + bad.ID, 405},
		{"GET", "/sse_bridge/", 200},
		{"HEAD", "/sse_bridge/events", 200},
		{"GET", "/sse_bridge/", 200}, // by the same connection
	} {
		if resp, _ := testsite.Do(t, test.method, admin+test.path, ""); resp.StatusCode != test.want {
			t.Errorf("%s %s: got %s, want %d", test.method, test.path, resp.Status, test.want)
		}
	}
}

// pageSite is a site in front of a backend, and one that shows the status page, as docs/operations.md has it.
func pageSite(t *testing.T, upstream string) (config, page string) {
	site, page := testsite.StatusSite(t)
	return "{{site}} {\n\tsse_bridge " + upstream + " {\n\t\tinterval 100ms\n\t}\n}\n" + site, page
}

func TestTheStatusPageSaysInABrowserWhatIsDown(t *testing.T) {
	tab := browser.New(t)
	fails := false
	up := newScript(func(w http.ResponseWriter, _ *http.Request) bool {
		if fails {
			w.WriteHeader(http.StatusBadGateway)
		} else {
			fmt.Fprint(w, "hello")
		}
		return true
	})
	config, page := pageSite(t, testsite.Backend(t, up.ServeHTTP))
	s, admin := testsite.RunWithAdmin(t, config)
	testsite.Subscribe(t, s.URL+"/prices?key=1").Next()

	says := func(what string) {
		t.Helper()
		testsite.Eventually(t, "the page to say "+what, func() bool {
			text, err := chromedp.Run(tab, chromedp.Evaluate[string](`document.body.innerText`))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(text, what)
		})
	}
	browser.Open(tab, t, page)
	says("The feed is up.")
	says("/prices?key=…")
	up.change(func() { fails = true })
	says("The feed is down.")
	says("Status 502, for ")
	says("Its client stays connected.")
	s.Reload(strings.ReplaceAll("{\n\tadmin {{admin}}\n\tpersist_config off\n\tauto_https off\n}\n"+config, "{{admin}}", strings.TrimPrefix(admin, "http://")) + "\n# changed")
	up.change(func() { fails = false })
	says("The feed is up.")
	says("live")

	browser.Open(tab, t, admin+"/sse_bridge/") // by its address, which Caddy refuses, so that the site above is needed
	says("client is not allowed to access from origin")
}

func TestLookingOnHoldsNeitherReloadNorStop(t *testing.T) {
	config, _ := pageSite(t, testsite.Backend(t, testsite.NewChat(0).ServeHTTP))
	s, admin := testsite.RunWithAdmin(t, config)
	watching := testsite.Subscribe(t, admin+"/sse_bridge/events")
	if first := watching.Next(); !strings.Contains(first.Data, `"feeds":[]`) {
		t.Errorf("got %+v", first)
	}
	watching.Next()
	s.Reload("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n}\n{{site}} {\n\trespond ok\n}")
	watching.Ended()
}
