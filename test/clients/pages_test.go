package clients

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"

	"github.com/sse-bridge/caddy-sse-bridge/test/browser"
)

// pageLibrary is a library in a page, as docs/clients.md shows it.
type pageLibrary struct {
	name    string
	module  string // its package, if that has another name
	api     string // by which it takes a stored id, or ""
	plain   string // the page without the code of docs/clients.md, or "" if the library does not work without it
	prefix  string // of its streams, which have events of its own kind, and no notices that it can see; or ""
	closes  bool   // the code closes the stream at bridge.end
	watches bool   // it takes a silent connection for lost
	section string // of docs/clients.md whose first HTML is the page with that code; "" if none is needed
}

// pageLibraries run in the Chromium of the table.
var pageLibraries = []pageLibrary{
	{
		name: "htmx.org", section: "htmx", closes: true,
		plain: `<script src="/npm/htmx.org/dist/htmx.min.js"></script>
<script src="/npm/htmx-ext-sse/dist/sse.min.js"></script>
<ul hx-ext="sse" sse-connect="/messages" sse-swap="message" hx-swap="beforeend"></ul>`,
	},
	{
		name: "@starfederation/datastar", section: "Datastar", prefix: datastar,
		plain: `<script type="module" src="/npm/@starfederation/datastar/dist/datastar.js"></script>
<ul id="messages" data-on-load="@get('/messages')" data-on-datastar-sse="evt.detail.type === 'finished' && ended()"></ul>`,
	},
	{
		name: "reconnecting-eventsource", section: "reconnecting-eventsource", closes: true,
		plain: `<script type="module">
import ReconnectingEventSource from '/npm/reconnecting-eventsource/build/esm/reconnecting-eventsource.js';
const types = ['message'];
const source = new ReconnectingEventSource('/messages');
for (const type of types) source.addEventListener(type, show);
</script>`,
	},
	{name: "sse.js", api: "`lastEventId`", section: "sse.js"},
	{
		name: "event-source-polyfill", watches: true,
		plain: `<script src="/npm/event-source-polyfill/src/eventsource.min.js"></script>
<script>
const types = ['message'];
const source = new EventSourcePolyfill('/messages', {heartbeatTimeout: 40_000});
for (const type of types) source.addEventListener(type, show);
source.addEventListener('error', () => source.readyState === EventSource.CLOSED && ended());
</script>`,
	},
	{name: "@microsoft/fetch-event-source in a page", module: "@microsoft/fetch-event-source", api: "`headers`", section: "fetch-event-source in a page"},
}

// eventSourcePage is the page of a browser alone.
const eventSourcePage = `<script>
for (let i = 0; i < (query.get("streams") || 1); i++) {
	const source = new EventSource(query.get("url") + (i > 0 ? "?stream=" + i : ""));
	for (const type of ["message", "joined", "bridge.reset", "bridge.busy", "bridge.position"]) {
		source.addEventListener(type, show);
	}
	source.addEventListener("error", () => source.readyState === EventSource.CLOSED && ended());
}
</script>`

// pageFrame is around what a page has. The page says the events, and "closed" when its client has given up.
var pageFrame = template.Must(template.New("").Parse(`<!doctype html>
<meta charset="utf-8">
<title>follow</title>
<link rel="icon" href="data:,">
<script>
"use strict";
const query = new URLSearchParams(location.search);
const id = query.get("id") || "";
function say(text) {
	console.log(text);
	if (parent !== self) {
		parent.postMessage({tab: name, text}, "*");
	}
}
function show({type, lastEventId, data}) {
	say(JSON.stringify([type, lastEventId, data]));
}
function ended() {
	say("closed");
}
addEventListener("htmx:sseMessage", event => show(event.detail));
addEventListener("htmx:sseError", event => setTimeout(() => event.target.hasAttribute("sse-connect") || ended()));
addEventListener("htmx:sseClose", ended);
</script>
<body>
{{.}}
<script>
const messages = document.querySelector("#messages");
if (messages) {
	new MutationObserver(records => records.flatMap(record => [...record.addedNodes]).forEach(item =>
		item.dataset.id && show({type: item.dataset.type, lastEventId: item.dataset.id, data: item.textContent}))).observe(messages, {childList: true});
}
</script>
`))

var (
	documentSection = regexp.MustCompile(`(?m)^#{2,3} `)
	listOfTypes     = regexp.MustCompile(`const types = \[.*?\]|sse-swap="[^"]*"`)
)

// codeOf returns the first HTML in a section of docs/clients.md.
func codeOf(section string) (string, error) { return blockOf(section, "html") }

// blockOf returns the first block of a language in a section of docs/clients.md.
func blockOf(section, language string) (string, error) {
	content, err := os.ReadFile(clientTable)
	if err != nil {
		return "", err
	}
	for _, text := range documentSection.Split(string(content), -1) {
		if title, rest, _ := strings.Cut(text, "\n"); title == section {
			_, block, begins := strings.Cut(rest, "```"+language+"\n")
			if block, _, ends := strings.Cut(block, "```"); begins && ends {
				return block, nil
			}
		}
	}
	return "", fmt.Errorf("%s has no %s in a section %q", clientTable, language, section)
}

// servePage serves the page that a tab was opened for: of the client that its query names, which follows the stream at the URL in its query.
func servePage(w http.ResponseWriter, r *http.Request) {
	body, err := pageFor(r.FormValue("client"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body = strings.ReplaceAll(body, "/messages", r.FormValue("url"))
	body = strings.ReplaceAll(body, "40_000", strconv.FormatInt(lostAfter.Milliseconds(), 10))
	body = listOfTypes.ReplaceAllStringFunc(body, func(found string) string {
		if strings.HasPrefix(found, "sse-swap") {
			return `sse-swap="message,joined,bridge.reset,bridge.busy,bridge.position"`
		}
		return `const types = ['message', 'joined', 'bridge.reset', 'bridge.busy', 'bridge.position']`
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	pageFrame.Execute(w, template.HTML(body))
}

// pageFor returns what a page has for a client: the name of a library, with or without code, or "" for the browser's EventSource.
func pageFor(client string) (string, error) {
	if client == "" {
		return eventSourcePage, nil
	}
	name, withCode := strings.CutSuffix(client, withCode)
	if name == "" {
		return codeOf("Lost connections")
	}
	for _, l := range pageLibraries {
		switch {
		case l.name != name:
		case withCode:
			return codeOf(l.section)
		default:
			return l.plain, nil
		}
	}
	return "", fmt.Errorf("there is no client %q", client)
}

// serveNPM serves the packages of test/clients/npm. Some import their modules without a suffix.
func serveNPM(w http.ResponseWriter, r *http.Request) {
	file := filepath.Join(npmFolder, "node_modules", filepath.FromSlash(strings.TrimPrefix(r.URL.Path, "/npm/")))
	if filepath.Ext(file) == "" {
		file += ".js"
	}
	http.ServeFile(w, r, file)
}

// TestMarkupInAMessageIsText follows a message with markup in the pages and with the blocks that docs/clients.md shows.
func TestMarkupInAMessageIsText(t *testing.T) {
	const text = `<img src="x" onerror="window.ran = true"> & 'more'` + "\nof it"
	message, err := json.Marshal(map[string]any{"messages": []any{map[string]any{"id": 1, "user": "<i>ann</i>", "text": text}}})
	if err != nil {
		t.Fatal(err)
	}
	testsite.NeedNode(t, npmFolder)
	browser.InEach(t, func(t *testing.T, p browser.Page) {
		for section, client := range map[string]string{"htmx": "htmx.org" + withCode, "Datastar": "@starfederation/datastar" + withCode} {
			addr := testsite.Backend(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/page":
					servePage(w, r)
				case strings.HasPrefix(r.URL.Path, "/npm/"):
					serveNPM(w, r)
				case r.URL.Query().Has("lastId"):
					<-r.Context().Done()
				default:
					w.Write(message)
				}
			})
			block, err := blockOf(section, "caddyfile")
			if err != nil {
				t.Fatal(err)
			}
			s := testsite.Run(t, "{{site}} {\n"+strings.ReplaceAll(block, "127.0.0.1:9000", addr)+"reverse_proxy "+addr+"\n}")
			p.Open(t, s.URL+"/page?"+url.Values{"client": {client}, "url": {"/messages"}}.Encode())
			var seen struct {
				Text   string
				Images int
				Ran    bool
			}
			testsite.Eventually(t, "the message in the page of "+section, func() bool {
				p.Evaluate(t, `({Text: document.querySelector("li")?.textContent ?? "", Images: document.images.length, Ran: window.ran === true})`, &seen)
				return seen.Text != ""
			})
			if want := "<i>ann</i> " + text; seen.Text != want || seen.Images > 0 || seen.Ran {
				t.Errorf("%s: the page has %+v, want the text %q alone", section, seen, want)
			}
		}
	})
}
