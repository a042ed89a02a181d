package e2e

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// evaluated returns the value of an expression in a tab.
func evaluated[T any](tab context.Context, t *testing.T, expression string) T {
	t.Helper()
	value, err := chromedp.Run(tab, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

// troubledSite has a block for each thing that can be wrong.
const troubledSite = `{{site}} {
	sse_bridge /wrong {{upstream}} {
		name wrong
		interval 50ms
		items data.list
		id id
		query since {sse.cursor}
	}
	sse_bridge /login {{upstream}} {
		name login
		interval 50ms
		items items
		id id
		query since {sse.cursor}
	}
	sse_bridge /late {{upstream}} {
		name late
		interval 50ms
		timeout 100ms
	}
	sse_bridge /refused {{upstream}} {
		name refused
		interval 50ms
	}
	sse_bridge /crowded {{upstream}} {
		name crowded
		limits {
			clients 2
		}
	}
	sse_bridge /gone {{gone}} {
		name gone
		interval 50ms
	}
}
`

func TestTheStatusPageHasARowForEachThingThatIsWrong(t *testing.T) {
	tab := browser.New(t)
	upstream := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			testsite.WriteAs(w, "text/html", "<!doctype html><form>log in</form>")
		case "/late":
			select {
			case <-r.Context().Done():
			case <-time.After(testsite.Patience):
			}
		case "/refused":
			w.WriteHeader(http.StatusForbidden)
		default:
			fmt.Fprint(w, `{"items": [{"id": 1}]}`)
		}
	})
	site, page := testsite.StatusSite(t)
	s, _ := testsite.RunWithAdmin(t, strings.NewReplacer("{{upstream}}", upstream, "{{gone}}", testport.Free(t)).Replace(troubledSite)+site)
	host := strings.TrimPrefix(s.URL, "http://")
	testsite.Subscribe(t, s.URL+"/wrong?room=secret&<img+src=x+onerror=alert(1)>=1")
	testsite.Subscribe(t, s.URL+"/gone")
	testsite.Subscribe(t, s.URL+"/login")
	testsite.Subscribe(t, s.URL+"/late")
	testsite.Subscribe(t, s.URL+"/crowded", "Cookie", "sid=1; _ga=secret")
	testsite.Subscribe(t, s.URL+"/crowded", "Cookie", "sid=1; _ga=other")
	testsite.Do(t, http.MethodGet, s.URL+"/crowded", "", "Accept", "text/event-stream")
	for range 2 {
		testsite.Do(t, http.MethodGet, s.URL+"/refused?token=secret", "", "Accept", "text/event-stream", "Authorization", "secret")
	}

	browser.Open(tab, t, page)
	want := []string{
		"down | The upstream does not answer. | " + host + "/gone, bridge gone | What to do: is it running,",
		"down | The upstream answers with HTML where data is expected. | " + host + "/login, bridge login | What to do: is it a login page?",
		"down | The upstream does not answer in time. | " + host + "/late, bridge late | What to do: does it hold requests until there is news? Then use long_poll.",
		"refused | The upstream refuses this user. | " + host + "/refused?token=…, bridge refused | What to do: do the polls lack a cookie",
		"warning | items has found nothing in any answer so far. | " + host + "/wrong?room=…&<img+src=…, bridge wrong | What to do: is the path correct?",
		"warning | Feeds differ only in their cookies, and are polled separately. | _ga, bridge crowded | What to do: if the upstream's answers do not depend on them, cookies makes them one feed",
		"warning | Clients are turned away, because limits clients is reached. | bridge crowded | What to do: is the number of clients as expected?",
	}
	var rows []string
	has := func(start string) bool {
		return slices.ContainsFunc(rows, func(row string) bool { return strings.HasPrefix(row, start) })
	}
	defer func() {
		if t.Failed() {
			t.Logf("the page says\n%s", strings.Join(rows, "\n"))
		}
	}()
	for _, start := range want {
		testsite.Eventually(t, "the row "+start, func() bool {
			rows = evaluated[[]string](tab, t, `[...document.querySelectorAll("#troubles li")].map(li => [".badge", "h3", ".where", ".remedy", ".facts"]
				.map(part => li.querySelector(part)).map(e => e ? e.textContent : "").join(" | ").replace(/^(\w+) \| \1 /, "$1 | "))`)
			return has(start)
		})
	}
	if len(rows) != len(want) || !strings.HasPrefix(rows[0], "down") || !strings.HasPrefix(rows[len(rows)-1], "warning") {
		t.Errorf("the page has %d rows, want %d, the worst first", len(rows), len(want))
	}
	if all := strings.Join(rows, "\n"); !strings.Contains(all, "2 clients were refused, the last ") || !strings.Contains(all, "1 in all, the last ") {
		t.Error("the page does not say how many clients are concerned")
	}
	text := evaluated[string](tab, t, `document.documentElement.outerHTML`)
	if strings.Contains(text, "secret") || evaluated[int](tab, t, `document.images.length`) != 0 {
		t.Error("the page has a value of a client, or runs what a client has sent")
	}
	if verdict := evaluated[string](tab, t, `document.getElementById("verdict-text").textContent`); !regexp.MustCompile(`^3 of \d feeds are down(, and 1 is refused)?\. 4 things need a look\.$`).MatchString(verdict) {
		t.Errorf("the page says %q", verdict)
	}
}

func TestTheStatusPageSaysHowAllFeedsAre(t *testing.T) {
	tab := browser.New(t)
	site, page := testsite.StatusSite(t)
	testsite.RunWithAdmin(t, site)
	browser.Open(tab, t, page)
	for states, want := range map[string]string{
		`{}`:                            "No client listens, so nothing is polled.",
		`{up: 1}`:                       "The feed is up.",
		`{up: 3}`:                       "All 3 feeds are up.",
		`{new: 2}`:                      "Waiting for the first answers of the upstreams.",
		`{up: 2, new: 1}`:               "2 of 3 feeds are up, the others wait for their first answers.",
		`{down: 1}`:                     "The feed is down.",
		`{down: 1, up: 1}`:              "1 of 2 feeds is down.",
		`{refused: 1}`:                  "The feed is refused.",
		`{refused: 1, up: 2}`:           "1 of 3 feeds is refused.",
		`{refused: 2, new: 1}`:          "2 of 3 feeds are refused.",
		`{refused: 1, down: 2, new: 1}`: "2 of 4 feeds are down, and 1 is refused.",
	} {
		snapshot := fmt.Sprintf(`{states: %s, total: {feeds: Object.values(%[1]s).reduce((all, n) => all + n, 0)}, troubles: [], all_troubles: 0}`, states)
		if said := evaluated[string](tab, t, "verdict("+snapshot+")"); said != want {
			t.Errorf("of feeds %s, the page says %q, want %q", states, said, want)
		}
	}
}

func TestTheStatusPageFiltersAndSorts(t *testing.T) {
	tab := browser.New(t)
	site, page := testsite.StatusSite(t)
	upstream := testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[{"id":1}]`) })
	s, _ := testsite.RunWithAdmin(t, "{{site}} {\n\tsse_bridge "+upstream+" {\n\t\titems @this\n\t\tid id\n\t\tquery since {sse.cursor}\n\t\treplay 10 10m\n\t}\n}\n"+site)
	const feeds = 120
	for i := range feeds {
		testsite.Subscribe(t, fmt.Sprintf("%s/%03d?kind=%d", s.URL, i, i%2)).Close()
	}
	testsite.Subscribe(t, s.URL+"/060?kind=0")
	run := func(script string) string { return evaluated[string](tab, t, script) }
	shows := func(what, script, want string) {
		t.Helper()
		got := ""
		defer func() {
			if t.Failed() {
				t.Logf("it shows %q", got)
			}
		}()
		testsite.Eventually(t, fmt.Sprintf("%s to be %q", what, want), func() bool {
			got = run(script)
			return got == want
		})
	}
	first := `document.querySelector("#feeds .request")?.textContent.match(/\/(\d+)/)?.[1] ?? "none"`
	rangeOf := `document.getElementById("range").textContent`
	press := func(selector string) {
		t.Helper()
		run(fmt.Sprintf(`document.querySelector(%q).click(); ""`, selector))
	}
	filter := func(text string) {
		t.Helper()
		run(fmt.Sprintf(`(() => { const input = document.getElementById("filter"); input.value = %q; input.dispatchEvent(new Event("input")); return ""; })()`, text))
	}

	browser.Open(tab, t, page)
	shows("the range", rangeOf, "1 to 50 of 120 feeds")
	shows("the feed with a client, first", first, "060")
	press("#next")
	shows("the range", rangeOf, "51 to 100 of 120 feeds")
	press("#next")
	shows("the range", rangeOf, "101 to 120 of 120 feeds")
	press("#next") // there is nothing
	press("[data-sort=request]")
	shows("the first by request", first, "000")
	shows("the range", rangeOf, "1 to 50 of 120 feeds")
	press("[data-sort=request]")
	shows("the last by request", first, "119")
	shows("what is read out of the order", `document.querySelector("[aria-sort]").textContent + document.querySelector("[aria-sort]").ariaSort`, "Poll requestdescending")
	filter("/11 UP")
	shows("the range", rangeOf, "1 to 10 of 10 feeds with these words, 120 in all")
	filter("nowhere")
	shows("the range", rangeOf, "No feed has all of these words.")
	filter("/00")
	shows("the first of few", first, "009")

	browser.Open(tab, t, run(`location.href`)) // the view is in the page's address
	shows("the first of few, again", first, "009")
	browser.Open(tab, t, page+"?offset=5000&sort=nothing")
	shows("the last page of those that there are", rangeOf, "101 to 120 of 120 feeds")
}
