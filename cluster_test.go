package ssebridge

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/app"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testengine"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testport"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// loadBlock runs Caddy, until the test ends, with one site, whose block has some lines, and with global options.
// It returns the handler and the log.
func loadBlock(t *testing.T, options, block string) (h *Handler, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	adapted, err := testsite.Adapt(fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tlog {\n\t\tformat json\n\t\toutput file %s\n\t}\n\t%s\n}\nhttp://%s {\n\tsse_bridge localhost:1 {\n\t\t%s\n\t}\n}\n", log, options, testport.Free(t), block))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
		testengine.Forget()
	})
	if err := caddy.Load([]byte(adapted), true); err != nil {
		t.Fatal(err)
	}
	server, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		t.Fatal(err)
	}
	return findHandler(t, server.(*caddyhttp.App).Servers["srv0"].Routes), log
}

func findHandler(t *testing.T, routes caddyhttp.RouteList) *Handler {
	t.Helper()
	for _, route := range routes {
		for _, handler := range route.Handlers {
			switch handler := handler.(type) {
			case *Handler:
				return handler
			case *caddyhttp.Subroute:
				return findHandler(t, handler.Routes)
			}
		}
	}
	t.Fatal("no handler was found")
	return nil
}

const inMemory = "sse_bridge {\n\t\tcluster memory %s\n\t}"

func TestABlockKnowsTheMemberUnlessItPollsAlone(t *testing.T) {
	const warning = "cluster: a block with `%s` is not shared, so each node polls for itself: `cluster off` says that this is meant"
	replay, stream := fmt.Sprintf(warning, "replay"), fmt.Sprintf(warning, "stream")
	for _, test := range []struct {
		name, options, block string
		member               bool
		warns                string // once; empty: never
	}{
		{"shared", fmt.Sprintf(inMemory, "shared"), "interval 2s", true, ""},
		{"off", fmt.Sprintf(inMemory, "off"), "cluster off", false, ""},
		{"no cluster", "", "replay 10\n\t\titems a", false, ""},
		{"replay", fmt.Sprintf(inMemory, "replay"), "replay 10\n\t\titems a", true, replay},
		{"replay and off", fmt.Sprintf(inMemory, "replayoff"), "replay 10\n\t\titems a\n\t\tcluster off", false, ""},
		{"stream", fmt.Sprintf(inMemory, "stream"), "stream\n\t\tformat lines", true, stream},
		{"stream and replay", fmt.Sprintf(inMemory, "both"), "stream\n\t\tformat lines\n\t\treplay 10", true, replay},
		{"stream and off", fmt.Sprintf(inMemory, "streamoff"), "stream\n\t\tformat lines\n\t\tcluster off", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, log := loadBlock(t, test.options, test.block)
			if got := h.instance.Member != nil; got != test.member {
				t.Errorf("the bridge has a member: %t, want %t", got, test.member)
			}
			content, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			var warnings []string
			for line := range strings.Lines(string(content)) {
				var entry struct{ Level, Msg string }
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatal(err)
				}
				if entry.Level == "warn" && strings.HasPrefix(entry.Msg, "cluster: ") {
					warnings = append(warnings, entry.Msg)
				}
			}
			if got := strings.Join(warnings, "\n"); got != test.warns {
				t.Errorf("the log warns %q, want %q", got, test.warns)
			}
		})
	}
}

// Caddy cleans up in any order.
func TestTheClusterEndsAfterTheBridge(t *testing.T) {
	h, _ := loadBlock(t, fmt.Sprintf(inMemory, "order"), "interval 2s")
	closed := func() bool { return testengine.Connections("order")[0].Closed() }
	configured, err := caddy.ActiveContext().AppIfConfigured(app.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := configured.(*app.App).Cleanup(); err != nil || closed() {
		t.Errorf("the app's end: %v; the connection is closed before the bridge: %t", err, closed())
	}
	if err := h.Cleanup(); err != nil || !closed() {
		t.Errorf("the bridge's end: %v; the connection is closed after it: %t", err, closed())
	}
}

func TestAClusterThatCannotBeJoinedIsAnErrorOfTheConfiguration(t *testing.T) {
	config, err := testsite.Adapt("{\n\tadmin off\n\tsse_bridge {\n\t\tcluster memory {\n\t\t\trefuses \"the seed file is empty\"\n\t\t}\n\t}\n}\nhttp://127.0.0.1:1 {\n\tsse_bridge localhost:1\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	var parsed caddy.Config
	if err := json.Unmarshal([]byte(config), &parsed); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&parsed); err == nil || !strings.Contains(err.Error(), "connecting to the cluster: the seed file is empty") {
		t.Errorf("got the error %v", err)
	}
}
