package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func init() { caddy.RegisterModule(eventProbe{}) }

// eventProbe is an event handler that keeps what it is told.
type eventProbe struct{}

// told are the events that came to probes, and hold keeps their handler for as long as it is locked.
var told struct {
	sync.Mutex
	events []string
	came   atomic.Int32 // events, with the one that is held
	hold   sync.Mutex
}

func (eventProbe) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.sse_bridge_probe", New: func() caddy.Module { return new(eventProbe) }}
}

func (eventProbe) Handle(_ context.Context, e caddy.Event) error {
	told.came.Add(1)
	told.hold.Lock()
	defer told.hold.Unlock()
	told.Lock()
	defer told.Unlock()
	told.events = append(told.events, fmt.Sprintf("%s %s %v %v %v%v %v", e.Name(), e.Origin().CaddyModule().ID,
		e.Data["bridge"], e.Data["method"], e.Data["host"], e.Data["path"], e.Data["reason"]))
	return nil
}

var _ caddyevents.Handler = eventProbe{}

// TestCaddysEventsSayWhenAFeedIsDown binds a handler in the configuration, and has it take its time
// while the feed is down, which no client notices.
func TestCaddysEventsSayWhenAFeedIsDown(t *testing.T) {
	fails, answer := false, "one"
	up := newScript(func(w http.ResponseWriter, _ *http.Request) bool {
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			fmt.Fprint(w, answer)
		}
		return true
	})
	told.events = nil
	told.came.Store(0)
	s := testsite.Run(t, "{{site}} {\n\trespond 404\n}") // for its address
	config := strings.ReplaceAll("{{site}} {\n\tsse_bridge "+testsite.Backend(t, up.ServeHTTP)+" {\n\t\tname board\n\t\tinterval 20ms\n\t}\n}", "{{site}}", s.URL)
	adapted, err := testsite.AdaptSite(config)
	if err != nil {
		t.Fatal(err)
	}
	bound := strings.Replace(string(adapted), `"apps":{`, `"apps":{"events":{"subscriptions":[{"events":["sse_bridge.feed_down","sse_bridge.feed_up"],"handlers":[{"handler":"sse_bridge_probe"}]}]},`, 1)
	if err := s.LoadJSON([]byte(bound)); err != nil {
		t.Fatal(err)
	}
	client := testsite.Subscribe(t, s.URL+"/x?token=s3cret")
	client.Want("one")
	told.hold.Lock()
	up.change(func() { fails = true })
	client.HasComment("status 503")
	testsite.Eventually(t, "the handler to be held", func() bool { return told.came.Load() == 1 })
	up.change(func() { fails, answer = false, "two" })
	client.Want("two")
	told.hold.Unlock()
	request := "http.handlers.sse_bridge board GET " + strings.TrimPrefix(s.URL, "http://") + "/x"
	want := []string{"sse_bridge.feed_down " + request + " status 503", "sse_bridge.feed_up " + request + " <nil>"}
	testsite.Eventually(t, "the events", func() bool {
		told.Lock()
		defer told.Unlock()
		return len(told.events) == len(want)
	})
	if !slices.Equal(told.events, want) {
		t.Errorf("got %q, want %q", told.events, want)
	}
}
