package pages

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// quickBackend is a chat: a list of messages, of which one is new with each answer, and a clock. It knows the parameter lastId.
func quickBackend(t *testing.T) string {
	t.Helper()
	var n atomic.Int64
	return testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		var items []string
		for id, last := max(n.Add(1)-5, 0), testsite.QueryNumber(r, "lastId", 0); id < n.Load(); id++ {
			if int(id) >= last {
				items = append(items, fmt.Sprintf(`{"id":%d,"uid":"u%d","kind":"said","text":"<img src=x onerror=alert(1)> %s","user":{"name":"ann"}}`, id+1, id+1, strings.Repeat("long ", 100)))
			}
		}
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"chat":{"messages":[%s]},"clock":%d}`, strings.Join(items, ","), time.Now().UnixNano()))
	})
}

var quickURL = regexp.MustCompile(`page +(http://\S+/)\n`)

// runQuick runs `caddy sse-bridge quick` for an endpoint, and returns the URL of its page.
func runQuick(t *testing.T, endpoint string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	running := testsite.RunComponent(t, t.TempDir(), []string{testsite.AsCaddy + "=1", "GORACE=atexit_sleep_ms=0"}, program, "sse-bridge", "quick", endpoint, "--listen", "127.0.0.1:0")
	var m []string
	testsite.Eventually(t, "the URL of the page", func() bool {
		m = quickURL.FindStringSubmatch(running.Output.String())
		return m != nil
	})
	return m[1]
}

// becomes waits until an expression is true.
func becomes(t *testing.T, p browser.Page, what, expression string) {
	t.Helper()
	testsite.Eventually(t, what, func() bool {
		var holds bool
		p.Evaluate(t, "Boolean("+expression+")", &holds)
		return holds
	})
}

func TestTheQuickPageHasNoBarriers(t *testing.T) {
	page := runQuick(t, "http://"+quickBackend(t)+"/messages")
	refused := runQuick(t, "http://"+testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you?", http.StatusForbidden) }))
	text := runQuick(t, "http://"+testsite.Backend(t, func(w http.ResponseWriter, _ *http.Request) { testsite.WriteAs(w, "text/plain", "hello") }))
	browser.InEachTheme(t, func(t *testing.T, p browser.Page) {
		p.Open(t, page)
		becomes(t, p, "events", `document.querySelectorAll("#events li").length > 2`)
		becomes(t, p, "polls", `document.querySelectorAll("#polls li").length > 1`)
		becomes(t, p, "the suggested block", `document.getElementById("block").value.includes("query lastId")`)
		becomes(t, p, "values of which one is open", `[...document.querySelectorAll("#tree .node")].filter(n => n.textContent.startsWith("uid"))[0]?.click()
			?? document.querySelectorAll(".actions").length === 1`)
		var done bool
		p.Evaluate(t, `document.querySelector("#polls summary").click(), true`, &done)
		browser.Audit(t, p)
		p.Evaluate(t, `(block.value = block.value.replace("interval", "intervall"), block.dispatchEvent(new Event("input")), document.getElementById("apply").click(), true)`, &done)
		becomes(t, p, "what is wrong", `wrong.textContent.includes("intervall")`)
		browser.Audit(t, p)

		p.Open(t, refused)
		shows(t, p, "The newest poll has failed.")
		shows(t, p, "add it with -H or header_up")
		browser.Audit(t, p)

		p.Open(t, text)
		shows(t, p, "The answer has no parts to choose")
		browser.Audit(t, p)
	})
}

// In each engine: events within seconds, the block that a click changes, a block that is wrong, and no markup of the backend.
func TestTheQuickPageShowsAnEndpointAsAStream(t *testing.T) {
	browser.InEach(t, func(t *testing.T, p browser.Page) {
		start := time.Now()
		p.Open(t, runQuick(t, "http://"+quickBackend(t)+"/messages"))
		becomes(t, p, "an event", `document.querySelector("#events li")`)
		t.Logf("the first event is shown after %s", time.Since(start).Round(10*time.Millisecond))
		becomes(t, p, "the suggested block", `document.getElementById("block").value.includes("query lastId {sse.cursor}")`)
		becomes(t, p, "events of the list", `document.querySelector("#events pre, #events code")?.textContent.startsWith('{"id":')`)
		var done bool
		choose := func(node, action string) {
			t.Helper()
			becomes(t, p, node+" in the tree", `window.chosen = [...document.querySelectorAll("#tree .node")].find(n => n.textContent.startsWith(`+"`"+node+"`"+`))`)
			p.Evaluate(t, `(chosen.getAttribute("aria-expanded") === "false" && chosen.click(),
				[...chosen.parentElement.querySelectorAll(".actions button")].find(b => b.textContent === `+"`"+action+"`"+`).click(), true)`, &done)
		}
		choose("user", "Is all that clients need")
		becomes(t, p, "the block with it", `document.getElementById("block").value.includes("\tdata user\n")`)
		becomes(t, p, "events with it", `document.querySelector("#events pre")?.textContent === '{"name":"ann"}'`)
		becomes(t, p, "its mark in the tree", `[...document.querySelectorAll("#tree .chosen")].some(n => n.textContent.startsWith("user") && n.textContent.endsWith("data"))`)
		choose("user", "Is not all that clients need")
		becomes(t, p, "the block without it", `!document.getElementById("block").value.includes("data user")`)
		choose("the answer", "Make the whole answer one event")
		becomes(t, p, "the block without a list", `!document.getElementById("block").value.includes("items")`)
		becomes(t, p, "whole answers", `document.querySelector("#events code, #events pre")?.textContent.startsWith('{"chat":')`)
		p.Evaluate(t, `(block.value = block.value.replace("interval", "intervall"), block.dispatchEvent(new Event("input")), document.getElementById("apply").click(), true)`, &done)
		becomes(t, p, "the line that is wrong", `/^Line \d+: .*intervall/.test(wrong.textContent)`)
		becomes(t, p, "that line selected", `block.value.slice(block.selectionStart, block.selectionEnd).includes("intervall")`)
		p.Evaluate(t, `(document.getElementById("suggestion").click(), true)`, &done)
		becomes(t, p, "the suggestion again", `block.value.includes("query lastId {sse.cursor}") && wrong.textContent === ""`)
		var images int
		if p.Evaluate(t, `document.images.length`, &images); images > 0 {
			t.Errorf("%d images of an answer are on the page", images)
		}
		p.Resize(t, 390, 900)
		becomes(t, p, "a page that does not scroll sideways", `document.documentElement.scrollWidth <= innerWidth`)
	})
}

// Polls that fail alike are one row, and what the examination said is no headline once another block brings events.
func TestTheQuickPageShowsWhatFailsNow(t *testing.T) {
	var n atomic.Int64
	backend := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			http.Error(w, "no", http.StatusMethodNotAllowed)
			return
		}
		testsite.WriteAs(w, "application/json", fmt.Sprintf(`{"result":%d}`, n.Add(1)))
	})
	browser.InEach(t, func(t *testing.T, p browser.Page) {
		p.Open(t, runQuick(t, "http://"+backend+"/rpc"))
		shows(t, p, "add a line such as `method POST`")
		becomes(t, p, "one row of two polls", `document.querySelectorAll("#polls li").length === 1 && polls.textContent.includes("(2 times)")`)
		var done bool
		p.Evaluate(t, `(block.value = "sse_bridge /rpc `+backend+` {\n\tinterval 1s\n\tmethod POST\n\tbody x\n}", block.dispatchEvent(new Event("input")), document.getElementById("apply").click(), true)`, &done)
		becomes(t, p, "an event", `document.querySelector("#events li")`)
		becomes(t, p, "that it streams", `verdict.className === "good" && document.getElementById("verdict-text").textContent.startsWith("Streaming") && !said.textContent.includes("405")`)
	})
}

func TestTheQuickPageIsUsableByKeyboardAlone(t *testing.T) {
	p := browser.NewChromium(t, false)
	p.Open(t, runQuick(t, "http://"+quickBackend(t)+"/messages"))
	becomes(t, p, "the suggested block", `document.getElementById("block").value.includes("query lastId {sse.cursor}")`)
	press := func(key string, options ...chromedp.KeyOption) {
		t.Helper()
		if err := chromedp.Do(p.Tab, chromedp.KeyEvent(key, options...)); err != nil {
			t.Fatal(err)
		}
	}
	// reach presses Tab until what has the focus has a text, or a label.
	reach := func(text string) {
		t.Helper()
		var at string
		for range 80 {
			press(kb.Tab)
			p.Evaluate(t, `document.activeElement.getAttribute("aria-labelledby") ?? document.activeElement.textContent`, &at)
			if strings.HasPrefix(at, text) {
				return
			}
		}
		t.Fatalf("%q is not reached", text)
	}
	reach("kind: ")
	press(kb.Enter)
	reach("Is not the kind of event")
	press(kb.Enter)
	becomes(t, p, "the block without it", `!block.value.includes("event kind")`)
	becomes(t, p, "the focus on what can be chosen instead", `document.activeElement.textContent === "Is the kind of event"`)
	press(kb.Enter)
	becomes(t, p, "the block with it", `block.value.includes("\tevent kind\n")`)
	becomes(t, p, "events of that kind", `document.querySelector("#events b")?.textContent === "said"`)
	becomes(t, p, "the focus where it was", `document.activeElement.closest("#tree")`)
	reach("block-title")
	press(kb.End, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	press(kb.ArrowUp)
	press("name typed\r")
	press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl))
	becomes(t, p, "the block that was typed", `block.value.includes("name typed\n}") && document.getElementById("apply").disabled`)
	reach("Examine again")
	press(kb.Enter)
	becomes(t, p, "the suggestion beside what was typed", `!document.getElementById("suggestion").hidden && block.value.includes("name typed")`)
	reach("events-title")
	reach("polls-title")
}
