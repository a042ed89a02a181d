package servers

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/test/poorwire"
)

const syncthingKey = "key-of-the-test"

// syncthing is a Syncthing that speaks with nobody. It keeps its settings when it is restarted.
type syncthing struct {
	*testsite.Component
	t       *testing.T
	program string
	home    string
	shared  string // the folder that it looks after
}

func startSyncthing(t *testing.T) *syncthing {
	t.Helper()
	s := &syncthing{t: t, program: testsite.NeedServer(t, "syncthing", "syncthing"), home: t.TempDir(), shared: t.TempDir()}
	config := fmt.Sprintf(`<configuration version="35">
	<gui><address>%s</address><apikey>%s</apikey></gui>
	<options>
		<listenAddress>tcp://%s</listenAddress>
		<globalAnnounceEnabled>false</globalAnnounceEnabled>
		<localAnnounceEnabled>false</localAnnounceEnabled>
		<relaysEnabled>false</relaysEnabled>
		<natEnabled>false</natEnabled>
		<startBrowser>false</startBrowser>
		<urAccepted>-1</urAccepted>
		<crashReportingEnabled>false</crashReportingEnabled>
		<setLowPriority>false</setLowPriority>
	</options>
</configuration>`, testport.Free(t), syncthingKey, testport.Free(t))
	if err := os.WriteFile(filepath.Join(s.home, "config.xml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(testport.Free(t))
	s.ask(http.MethodPut, "/rest/config/folders/shared", fmt.Sprintf(`{"id":"shared","path":%q,"fsWatcherEnabled":false}`, s.shared))
	return s
}

// start waits until Syncthing has told the events of its start. On a busy machine it may never tell
// of its end: it is started again then.
func (s *syncthing) start(addr string) {
	s.t.Helper()
	testsite.Eventually(s.t, "Syncthing to have started", func() bool {
		s.run(addr)
		if testsite.Within(testsite.Patience/4, func() bool { return strings.Contains(s.get("/rest/events?timeout=1"), "StartupComplete") }) {
			return true
		}
		s.Stop()
		return false
	})
}

func (s *syncthing) run(addr string) {
	s.t.Helper()
	s.Component = testsite.RunComponent(s.t, s.home, []string{"STHASHING=standard"}, s.program, "serve", "--home="+s.home, "--gui-address="+addr,
		"--no-default-folder", "--no-restart", "--no-upgrade")
	s.Listens(s.t, addr)
}

// restart stops it, and starts it again at the same address.
func (s *syncthing) restart() {
	s.t.Helper()
	s.Stop()
	s.start(s.Addr)
}

func (s *syncthing) get(path string) string {
	s.t.Helper()
	return s.ask(http.MethodGet, path, "")
}

func (s *syncthing) ask(method, path, body string) string {
	s.t.Helper()
	return testsite.Post(s.t, method, "http://"+s.Addr+path, "application/json", body, "X-API-Key", syncthingKey)
}

// say makes an event that a file of that name has come.
func (s *syncthing) say(name string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.shared, name), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.ask(http.MethodPost, "/rest/db/scan?folder=shared", "")
}

// syncthingSite is a recipe with the key of the test, and without types.
func syncthingSite(t *testing.T, recipe, backend string) string {
	t.Helper()
	return recipeSite(t, recipe, backend, "{header.X-API-Key}", syncthingKey, "\tevent type\n", "")
}

func TestSyncthingEventsAreResumedAtEveryEvent(t *testing.T) {
	server := startSyncthing(t)
	server.get("/rest/events?timeout=1&events=LocalIndexUpdated") // it counts those from here on
	said := 0
	for _, recipe := range []string{"syncthing-events", "syncthing-events-limit"} {
		t.Run(recipe, func(t *testing.T) {
			testsite.CutAtEveryEvent(t, syncthingSite(t, recipe, server.Addr), "data.filenames.0", func(t *testing.T) (string, func(int)) {
				return fmt.Sprintf("/rest/events?events=LocalIndexUpdated&since=%d", said), func(i int) {
					server.say(fmt.Sprint("event ", i))
					said++
				}
			})
		})
	}
}

func TestSyncthingIsAskedByItsOwnName(t *testing.T) {
	server := startSyncthing(t)
	stream := testsite.SubscribeByName(t, syncthingSite(t, "syncthing-events", server.Addr), "/rest/events")
	if e := stream.Next(); gjson.Get(e.Data, "type").Str != "Starting" {
		t.Errorf("got %+v", e)
	}
}

func TestAClientFromBeforeASyncthingsRestartIsResetOnAnyNode(t *testing.T) {
	server := startSyncthing(t)
	site := syncthingSite(t, "syncthing-events", server.Addr)
	site = strings.NewReplacer("long_poll 60s", "long_poll 2s", "timeout 60", "timeout 2").Replace(site) // it is held once
	s := testsite.Run(t, site)
	server.get("/rest/events?timeout=1&events=LocalIndexUpdated")
	server.say("event 1")
	stream := testsite.Subscribe(t, s.URL+"/rest/events?events=LocalIndexUpdated", "Last-Event-ID", "3")
	if e := stream.Next(); e.Type != "bridge.reset" || e.Data != `{"reason":"restarted"}` {
		t.Fatalf("got %+v, want a reset", e)
	}
	if e := stream.Next(); gjson.Get(e.Data, "data.filenames.0").Str != "event 1" {
		t.Fatalf("got %+v, want event 1", e)
	}
	server.say("event 2")
	if e := stream.Next(); gjson.Get(e.Data, "data.filenames.0").Str != "event 2" {
		t.Fatalf("got %+v, want event 2", e)
	}
}

func TestASyncthingThatIsRestartedResetsItsClients(t *testing.T) {
	const before = 3
	for name, events := range map[string]int{"that says nothing at first": 0, "at fewer events": 1, "at as many": before, "at more": 7} {
		t.Run(name, func(t *testing.T) {
			server := startSyncthing(t)
			said := 0
			say := func(n int) {
				for range n {
					said++
					server.say(fmt.Sprint("event ", said))
				}
			}
			counting := func() { server.get("/rest/events?timeout=1&events=LocalIndexUpdated") }
			wants := func(stream *testsite.Subscription, who string, from int) {
				t.Helper()
				for i := from; i <= said; i++ {
					want := fmt.Sprint("event ", i)
					if e := stream.Next(); gjson.Get(e.Data, "data.filenames.0").Str != want {
						t.Fatalf("a client %s gets %+v, want %s", who, e, want)
					}
				}
			}
			wire := poorwire.New(t, server.Addr)
			s := testsite.Run(t, syncthingSite(t, "syncthing-events", wire.Listen))
			url := s.URL + "/rest/events?events=LocalIndexUpdated"

			counting()
			say(before)
			there, away := testsite.Subscribe(t, url), testsite.Subscribe(t, url)
			wants(there, "that is there", 1)
			wants(away, "that will leave", 1)
			away.Close()

			wire.Stop()
			server.restart()
			counting()
			say(events)
			clients := []struct {
				who    string
				stream *testsite.Subscription
			}{
				{"that was there", there},
				{"that has come back", testsite.Subscribe(t, url, "Last-Event-ID", strconv.Itoa(before))},
			}
			if err := wire.Start(); err != nil {
				t.Fatal(err)
			}
			if events == 0 {
				say(1)
			}
			for _, c := range clients {
				if e := c.stream.Next(); e.Type != "bridge.reset" || e.Data != `{"reason":"restarted"}` {
					t.Fatalf("a client %s gets %+v, want a reset", c.who, e)
				}
				wants(c.stream, c.who, before+1)
			}
			say(1)
			for _, c := range clients {
				wants(c.stream, c.who, said)
			}
		})
	}
}

func meetSyncthing(t *testing.T) newcomer {
	server := startSyncthing(t)
	return newcomer{
		url: "http://" + server.Addr + "/rest/events", header: []string{"X-API-Key", syncthingKey}, say: server.say,
		show: func(data string) string {
			if gjson.Get(data, "type").Str != "LocalIndexUpdated" {
				return ""
			}
			return gjson.Get(data, "data.filenames.0").Str
		},
	}
}

func meetSyncthingFolder(t *testing.T) newcomer {
	server := startSyncthing(t)
	return newcomer{
		url: "http://" + server.Addr + "/rest/db/status?folder=shared", header: []string{"X-API-Key", syncthingKey}, show: at("localFiles"),
		change: func(i int) { server.say(fmt.Sprint("event ", i)) }, want: strconv.Itoa,
	}
}
