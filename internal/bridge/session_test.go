package bridge_test

import (
	"io"
	"net/http"
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

// counted is an upstream that counts its requests by their paths. It holds those that have no answer.
type counted struct {
	mu      sync.Mutex
	asked   map[string]int
	answers map[string]string
}

func (u *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	u.mu.Lock()
	u.asked[r.URL.Path]++
	answer, ok := u.answers[r.URL.Path]
	u.mu.Unlock()
	if !ok {
		<-r.Context().Done()
		return r.Context().Err()
	}
	_, err := io.WriteString(w, answer)
	return err
}

func (u *counted) count(path string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked[path]
}

// withSession runs a test with a bridge in front of such an upstream, in simulated time.
func withSession(t *testing.T, answers map[string]string, do func(t *testing.T, h *testbridge.Standalone, u *counted), lines ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		plan := testplan.Of(t, lines...)
		h, u := testbridge.New(bridge.New(plan)), &counted{asked: make(map[string]int), answers: answers}
		for which := range len(plan.Steps) + 1 {
			h.Instance.Routes[upstream.Kind(which)] = caddyhttp.HandlerFunc(u.ServeHTTP)
		}
		h.Bridge.Add(h.Instance)
		do(t, h, u)
		testbridge.Pass(10 * time.Second)
		testbridge.End(t, h.Bridge)
	})
}

func TestASessionThatIsReopenedInVainIsBackedOff(t *testing.T) {
	t.Parallel()
	withSession(t, map[string]string{"/open": `{"key":"k","ts":1}`, "/messages": `{"failed":2}`}, func(t *testing.T, h *testbridge.Standalone, u *counted) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Minute)
		c.Leave()
		if n := u.count("/open"); n < 3 || n > 20 {
			t.Errorf("%d sessions in a minute, while none works", n)
		}
	}, "interval 20ms", "items updates", "cursor ts ts", "query ts {sse.cursor.ts}", "query key {sse.cursor.key}", "reopen failed 2",
		"open {\nrewrite /open\ncursor key key\ncursor ts ts\n}")
}

func TestNothingIsAskedOnceASessionIsClosed(t *testing.T) {
	t.Parallel()
	withSession(t, map[string]string{"/open": `{"sid":"s"}`, "/beat": "{}", "/close": "{}"}, func(t *testing.T, h *testbridge.Standalone, u *counted) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(10500 * time.Millisecond)
		if beats, closed := u.count("/beat"), u.count("/close"); beats != 10 || closed != 0 {
			t.Errorf("in ten seconds, %d beats and %d times closed", beats, closed)
		}
		c.Leave()
		testbridge.Pass(6 * time.Second)
		beats := u.count("/beat")
		testbridge.Pass(time.Minute)
		if later, closed := u.count("/beat"), u.count("/close"); later != beats || closed != 1 {
			t.Errorf("%d beats, and %d a minute after the session was closed, %d times", beats, later, closed)
		}
	}, "long_poll", "items @this", "query sid {sse.cursor.sid}", "replay 100",
		"open {\nrewrite /open\ncursor sid sid\n}", "beat 1s {\nrewrite /beat\n}", "close {\nrewrite /close\n}")
}

func TestASessionEndsWithAnItemThatIsIgnored(t *testing.T) {
	t.Parallel()
	withSession(t, map[string]string{"/open": `{"sid":"s"}`, "/messages": `[{"type":"close"}]`}, func(t *testing.T, h *testbridge.Standalone, u *counted) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Second)
		if n := u.count("/messages"); c.Ended().IsZero() || n != 1 {
			t.Errorf("the stream has ended: %t, after %d polls", !c.Ended().IsZero(), n)
		}
		c.Leave()
	}, "items @this", "ignore type close", "end 0.type close", "query sid {sse.cursor.sid}", "replay 100", "open {\nrewrite /open\ncursor sid sid\n}")
}

// An answer that breaks off again and again is asked for with a backoff, though each begins well.
func TestAStreamThatBreaksOffAgainAndAgainIsBackedOff(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(_ int, c *streamedAnswer) {
		c.write(`{"id"`)
		c.pass(2 * time.Second)
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(1000 * time.Second)
		c.Leave()
		u.mu.Lock()
		defer u.mu.Unlock()
		if n := len(u.asked); n > 460 {
			t.Errorf("%d answers of two seconds in 1000 seconds: they follow one another at once", n)
		}
	})
}

func TestAPollThatIsGivenUpKeepsItsNumber(t *testing.T) {
	t.Parallel()
	withSession(t, map[string]string{"/open": `{"sid":"s"}`, "/close/1": "{}", "/close/2": "{}"}, func(t *testing.T, h *testbridge.Standalone, u *counted) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Second) // the poll is held
		c.Leave()
		testbridge.Pass(10 * time.Second)
		if again, next := u.count("/close/1"), u.count("/close/2"); again != 0 || next != 1 {
			t.Errorf("closed %d times with the number of the poll, and %d times with the next one", again, next)
		}
	}, "long_poll", "items @this", "query sid {sse.cursor.sid}", "query rid {sse.count}", "replay 100",
		"open {\nrewrite /open\ncursor sid sid\n}", "close {\nrewrite /close/{sse.count}\n}")
}
