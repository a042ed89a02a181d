package bridge_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// socketIO is a server of Socket.IO. Its polls get the answers one after another, and then none.
type socketIO struct {
	mu      sync.Mutex
	opened  int
	polls   int
	answers []string // their packets are separated by |; 400 is the status
}

func (u *socketIO) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	answer, held := "ok", false
	u.mu.Lock()
	switch {
	case r.Method == http.MethodPost:
	case !r.URL.Query().Has("sid"):
		u.opened++
		answer = `0{"sid":"s"}`
	case u.polls < len(u.answers):
		answer = strings.ReplaceAll(u.answers[u.polls], "|", "\x1e")
		u.polls++
	default:
		held = true
	}
	u.mu.Unlock()
	if held {
		<-r.Context().Done()
		return r.Context().Err()
	}
	if answer == "400" {
		w.WriteHeader(http.StatusBadRequest)
		return nil
	}
	_, err := io.WriteString(w, answer)
	return err
}

func TestAnEventOfSocketIOIsGivenOnceItsAttachmentsAreThere(t *testing.T) {
	t.Parallel()
	const upstreamReset, gap = "\n" + `bridge.reset {"reason":"upstream"}` + "\n", "\n" + `bridge.reset {"reason":"gap"}` + "\n"
	for name, c := range map[string]struct {
		answers []string
		want    string
		opened  int
	}{
		"in one answer":          {[]string{`451-["photo"]|bAQID`}, `photo []["AQID"] #~1`, 1},
		"in the next one":        {[]string{`451-["photo"]`, "bAQID"}, `photo []["AQID"] #~1`, 1},
		"between others":         {[]string{`42["a"]|451-["photo"]`, `bAQID|42["b"]`, `42["c"]`}, "a [] #~1\n" + `photo []["AQID"] #~2 | b [] #~3` + "\nc [] #~4", 1},
		"several, in several":    {[]string{`453-["photo"]|bAQ==`, "bAg==", `bAw==|451-["photo"]`, "bBA=="}, `photo []["AQ==","Ag==","Aw=="] #~1` + "\n" + `photo []["BA=="] #~2`, 1},
		"after an empty answer":  {[]string{`451-["photo"]`, "", "bAQID"}, `photo []["AQID"] #~1`, 1},
		"not in another session": {[]string{`42["a"]|451-["photo"]`, "400", `bAQID|42["b"]`}, "a [] #~1" + upstreamReset + "b [] #~2", 2},
		"another packet comes":   {[]string{`42["a"]|451-["photo"]`, "2", `42["b"]`}, "a [] #~1" + gap + "b [] #~2", 2},
		"more than is allowed":   {[]string{`42["a"]|452-["photo"]`, "b" + strings.Repeat("A", 100), "b" + strings.Repeat("A", 100), `42["b"]`}, "a [] #~1" + gap + "b [] #~2", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				plan := testplan.Of(t, "session socketio", "data {sse.item.args}{sse.item.attachments}", "limits {\nresponse 200\n}")
				h, u := testbridge.New(bridge.New(plan)), &socketIO{answers: c.answers}
				for which := range len(plan.Steps) + 1 {
					h.Instance.Routes[upstream.Kind(which)] = caddyhttp.HandlerFunc(u.ServeHTTP)
				}
				h.Bridge.Add(h.Instance)
				client := testbridge.Open(t, h, false)
				testbridge.Pass(time.Second)
				if c.opened > 1 { // after a backoff
					testbridge.Pass(time.Minute)
				}
				expect(t, "the client has got", got(client), c.want)
				if client.Leave(); u.opened != c.opened {
					t.Errorf("%d sessions were opened, want %d", u.opened, c.opened)
				}
				testbridge.Pass(10 * time.Second)
				testbridge.End(t, h.Bridge)
			})
		})
	}
}
