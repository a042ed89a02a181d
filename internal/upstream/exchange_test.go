package upstream

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testplan"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// slowJar takes a second to keep cookies, as what comes behind an answer may on a busy machine.
type slowJar struct{ http.CookieJar }

func (slowJar) SetCookies(*url.URL, []*http.Cookie) { time.Sleep(time.Second) }

func TestAnAnswerThatHasComeCountsWhateverTheTimeIsThen(t *testing.T) {
	const messages = `[{"n":1}]` // which the upstream has forgotten
	for _, lines := range [][]string{{"timeout 10s"}, {"timeout 10s", "long_poll 9s"}} {
		plan := testplan.Of(t, append(lines, "replay 100", "items @this")...)
		synctest.Test(t, func(t *testing.T) {
			backend := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
				time.Sleep(9900 * time.Millisecond)
				w.Header().Set("Set-Cookie", "a=1")
				_, err := io.WriteString(w, messages)
				return err
			})
			u := NewPoller(answers{backend, &caddyhttp.Server{}}, 10)
			ask := askFrom()
			ask.Session.Jar = slowJar{ask.Session.Jar}
			resp, silent, err := u.exchange(t.Context(), Accept(t, plan, testsite.ClientRequest("GET", "/a", "")), ask)
			if silent || err != nil || string(resp.Body) != messages {
				t.Errorf("%v: got %q, silent: %t, %v", lines, resp.Body, silent, err)
			}
		})
	}
}

// Such as one that writes a log.
func TestAnAnswerThatHasComeCountsHoweverLongItsHandlerTakes(t *testing.T) {
	const messages = `[{"n":1}]`
	for _, lines := range [][]string{{"timeout 10s"}, {"timeout 10s", "long_poll 9s"}} {
		plan := testplan.Of(t, append(lines, "replay 100", "items @this")...)
		for _, length := range []int{len(messages), len(messages) + 1} {
			synctest.Test(t, func(t *testing.T) {
				backend := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
					time.Sleep(9900 * time.Millisecond)
					w.Header().Set("Content-Length", strconv.Itoa(length))
					_, err := io.WriteString(w, messages)
					time.Sleep(time.Second)
					return err
				})
				u := NewPoller(answers{backend, &caddyhttp.Server{}}, 10)
				resp, _, err := u.exchange(t.Context(), Accept(t, plan, testsite.ClientRequest("GET", "/a", "")), askFrom())
				if came := err == nil && string(resp.Body) == messages; came != (length == len(messages)) {
					t.Errorf("%v, a length of %d: got %q, %v", lines, length, resp.Body, err)
				} else if came && resp.Took != 9900*time.Millisecond {
					t.Errorf("%v: the head took %s", lines, resp.Took)
				}
			})
		}
	}
}
