package bridge_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// streamed is an upstream whose answers go on. Each request gets what the script says, and is noted.
type streamed struct {
	mu    sync.Mutex
	asked []string
	times []time.Time
	open  int
	say   func(n int, c *streamedAnswer)
}

// streamedAnswer is one answer of a streamed upstream.
type streamedAnswer struct {
	http.ResponseWriter

	r *http.Request
}

// write writes records that arrive together.
func (c *streamedAnswer) write(records ...string) {
	_, _ = io.WriteString(c, strings.Join(records, ""))
}

// hang keeps the answer open, with signs of life.
func (c *streamedAnswer) hang() {
	for c.r.Context().Err() == nil {
		c.write("\n")
		c.pass(30 * time.Second)
	}
}

// pass lets time pass, unless the bridge hangs up.
func (c *streamedAnswer) pass(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.r.Context().Done():
	}
}

func (u *streamed) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	u.mu.Lock()
	u.asked = append(u.asked, r.URL.RequestURI()+r.Header.Get("Last-Event-ID"))
	u.times = append(u.times, time.Now())
	n := len(u.asked)
	u.open++
	u.mu.Unlock()
	u.say(n, &streamedAnswer{w, r})
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open--
	return r.Context().Err()
}

// requests returns the requests so far, and how many answers are open.
func (u *streamed) requests() (asked string, open int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.asked, " "), u.open
}

const numbered = `"stream": "60s", "format": "lines", "id": "id", "query": [{"name": "since", "value": "{sse.cursor}"}]`

// inFrontOf runs a test with a bridge in front of a streamed upstream, in simulated time.
func inFrontOf(t *testing.T, fields string, say func(n int, c *streamedAnswer), do func(t *testing.T, h *testbridge.Standalone, u *streamed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, u := testbridge.New(testbridge.Bridge(t, fields)), &streamed{say: say}
		h.Instance.Routes[upstream.KindPoll] = caddyhttp.HandlerFunc(u.ServeHTTP)
		h.Bridge.Add(h.Instance)
		do(t, h, u)
		testbridge.Pass(10 * time.Second) // all that lingers ends
		if _, open := u.requests(); open > 0 {
			t.Errorf("%d answers are open without a client", open)
		}
		testbridge.End(t, h.Bridge)
	})
}

// got returns what a client has got: each write on a line of its own, without retry and comments.
func got(c *testbridge.Client) string {
	var out []string
	for _, w := range c.Written() {
		var events []string
		for block := range strings.SplitSeq(w.Text, "\n\n") {
			var words []string
			for line := range strings.SplitSeq(block, "\n") {
				if field, text, ok := strings.Cut(line, ": "); ok && field != "retry" && field != "" {
					if field == "id" {
						text, _, _ = strings.Cut("#"+text, ".")
					}
					words = append(words, text)
				}
			}
			if len(words) > 0 {
				events = append(events, strings.Join(words, " "))
			}
		}
		if len(events) > 0 {
			out = append(out, strings.Join(events, " | "))
		}
	}
	return strings.Join(out, "\n")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func record(n int) string { return fmt.Sprintf("{\"id\":%d}\n", n) }

func TestRecordsGoOutAsTheyCome(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(_ int, c *streamedAnswer) {
		c.write(record(1))
		c.pass(time.Second)
		c.write(record(2), "\n", record(3), `{"id"`)
		c.pass(time.Second)
		c.write(":4}\n")
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		began := time.Now()
		c := testbridge.Open(t, h, false)
		testbridge.Pass(3 * time.Second)
		expect(t, "the client has got", got(c), "{\"id\":1} #1\n{\"id\":2} #2 | {\"id\":3} #3\n{\"id\":4} #4")
		if w := c.Written(); w[2].At.Sub(began) != time.Second || w[3].At.Sub(began) != 2*time.Second {
			t.Errorf("records are late: %v", w)
		}
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages")
	})
}

func TestAStreamGoesOnFromTheLastRecord(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(n int, c *streamedAnswer) {
		switch n {
		case 1: // an end in good order
			c.write(record(1), record(2))
			c.pass(5 * time.Second)
		case 2: // half a record
			c.write(record(3), `{"id":4`)
			c.pass(5 * time.Second)
		case 3: // silence
			c.write(record(4))
			c.pass(time.Hour)
		case 4: // it begins with the record by whose id it was asked
			c.write(record(4), record(5))
			c.pass(59 * time.Second)
			c.write("\n") // a sign of life
			c.pass(59 * time.Second)
			c.write(record(6))
			c.hang()
		}
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(5 * time.Minute)
		expect(t, "the client has got", got(c), "{\"id\":1} #1 | {\"id\":2} #2\n{\"id\":3} #3\n{\"id\":4} #4\n{\"id\":5} #5\n{\"id\":6} #6")
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages /messages?since=2 /messages?since=3 /messages?since=4")
		if wait := u.times[1].Sub(u.times[0]); wait != 5*time.Second {
			t.Errorf("after an end in good order, the next request came %s after the one before", wait)
		}
	})
}

func TestAnAnswerThatEndsAtOnceIsBackedOff(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(n int, c *streamedAnswer) {
		c.write(record(n))
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Minute)
		c.Leave()
		if asked, _ := u.requests(); strings.Count(asked, "since") < 3 || strings.Count(asked, "since") > 30 {
			t.Errorf("requests in a minute: %s", asked)
		}
		for i := range u.times[1:] {
			if wait := u.times[i+1].Sub(u.times[i]); wait < time.Second {
				t.Errorf("request %d came %s after the one before", i+2, wait)
			}
		}
		if text := got(c); strings.Contains(text, "reset") || strings.Count(text, "#") != len(u.times) {
			t.Errorf("of %d answers, the client has got %s", len(u.times), text)
		}
	})
}

func TestWithoutACursorAnotherAnswerIsAGap(t *testing.T) {
	t.Parallel()
	inFrontOf(t, `"stream": "60s", "format": "lines"`, func(n int, c *streamedAnswer) {
		if n == 2 {
			c.WriteHeader(http.StatusBadGateway)
			return
		}
		c.write("a\n")
		c.pass(5 * time.Second)
		c.write("a\n", "b\n")
		if n > 1 {
			c.hang()
		}
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		first := testbridge.Open(t, h, false)
		testbridge.Pass(time.Second)
		second := testbridge.Open(t, h, false) // it joins the head
		testbridge.Pass(time.Minute)
		gap := `bridge.reset {"reason":"gap"}`
		expect(t, "the client has got", got(first), "a #~1\na #~2 | b #~3\n"+gap+"\na #~4\na #~5 | b #~6")
		expect(t, "the newcomer has got", got(second), "a #~2 | b #~3\n"+gap+"\na #~4\na #~5 | b #~6")
		first.Leave()
		second.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages /messages /messages")
	})
}

func TestNewcomersReadAStreamFromItsStart(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(n int, c *streamedAnswer) {
		if c.r.URL.Query().Get("since") == "1" {
			c.write(record(2))
			c.pass(time.Second)
			c.write(record(3))
			c.hang()
			return
		}
		c.write(record(1), record(2))
		c.pass(50 * time.Second)
		c.write(record(3))
		c.pass(10 * time.Second)
		c.write(record(4))
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		first := testbridge.Open(t, h, false)
		testbridge.Pass(30 * time.Second)
		second := testbridge.Open(t, h, false)
		back := testbridge.OpenWith(t, h, "Last-Event-ID", "1")
		testbridge.Pass(31 * time.Second)
		asked, open := u.requests()
		expect(t, "requests", asked, "/messages")
		if open != 1 {
			t.Errorf("%d answers are open", open)
		}
		testbridge.Pass(30 * time.Second)
		all := "{\"id\":1} #1 | {\"id\":2} #2\n{\"id\":3} #3\n{\"id\":4} #4"
		expect(t, "the first client has got", got(first), all)
		expect(t, "the second client has got", got(second), all)
		expect(t, "the client that came back has got", got(back), "{\"id\":2} #2\n{\"id\":3} #3\n{\"id\":4} #4")
		first.Leave()
		second.Leave()
		back.Leave()
	})
}

func TestAClientThatCatchesUpGoesOver(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(n int, c *streamedAnswer) {
		if c.r.URL.Query().Get("since") == "1" {
			c.write(record(2), record(3))
			c.pass(time.Second)
			c.write(record(4))
			c.hang()
			return
		}
		c.write(record(3))
		c.pass(5 * time.Second)
		c.write(record(4))
		c.pass(5 * time.Second)
		c.write(record(5))
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		first := testbridge.Open(t, h, false)
		testbridge.Pass(time.Second)
		back := testbridge.OpenWith(t, h, "Last-Event-ID", "1")
		testbridge.Pass(time.Minute)
		expect(t, "the first client has got", got(first), "{\"id\":3} #3\n{\"id\":4} #4\n{\"id\":5} #5")
		expect(t, "the client that came back has got", got(back), "{\"id\":2} #2 | {\"id\":3} #3\n{\"id\":4} #4\n{\"id\":5} #5")
		if asked, open := u.requests(); open != 1 || asked != "/messages /messages?since=1" {
			t.Errorf("%d answers are open, of %s", open, asked)
		}
		first.Leave()
		back.Leave()
	})
}

func TestAnUpstreamThatCountsAnewStartsOver(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(n int, c *streamedAnswer) {
		switch n {
		case 1:
			c.write(record(41), record(42))
			c.pass(5 * time.Second)
		default:
			c.write(record(1), record(2))
			c.hang()
		}
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Minute)
		expect(t, "the client has got", got(c), "{\"id\":41} #41 | {\"id\":42} #42\n"+`bridge.reset {"reason":"restarted"}`+"\n{\"id\":1} #1 | {\"id\":2} #2")
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages /messages?since=42 /messages")
	})
}

func TestAResetInsideAStream(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered+`, "reset": [{"value": "code", "matches": ["410"]}]`, func(n int, c *streamedAnswer) {
		if c.r.URL.Query().Get("since") != "" {
			c.write(`{"code":410}` + "\n")
			c.pass(time.Hour)
			return
		}
		c.write(record(7))
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.OpenWith(t, h, "Last-Event-ID", "3")
		testbridge.Pass(time.Minute)
		expect(t, "the client has got", got(c), `bridge.reset {"reason":"upstream"}`+"\n{\"id\":7} #7")
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages?since=3 /messages")
	})
}

func TestARecordThatCannotBeReadIsPassedOverInTheEnd(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered, func(n int, c *streamedAnswer) {
		switch c.r.URL.Query().Get("since") {
		case "":
			c.write(record(1))
			fallthrough
		case "1":
			c.write("{broken\n", record(2))
		}
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(5 * time.Minute)
		expect(t, "the client has got", got(c), "{\"id\":1} #1\n"+`bridge.reset {"reason":"gap"}`+"\n{\"id\":2} #2")
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages /messages?since=1 /messages?since=1")
	})
}

func TestAnEventStreamUpstream(t *testing.T) {
	t.Parallel()
	inFrontOf(t, `"stream": "60s", "format": "sse"`, func(n int, c *streamedAnswer) {
		switch n {
		case 1:
			c.write("retry: 7000\n\nevent: news\nid: a b\ndata: one\ndata: two\n\n")
			c.write(": comment\n\n", "id: b\n\n", "event: bridge.alive\ndata: {}\n\n", "event: bridge.start\nid: c\ndata: {}\n\n")
			c.pass(5 * time.Second)
		case 2:
			c.write("event: bridge.reset\ndata: {\"reason\":\"unknown_id\"}\n\ndata: three\nid: d\n\n")
			c.pass(5 * time.Second)
		default:
			c.WriteHeader(http.StatusNoContent)
		}
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Minute)
		expect(t, "the client has got", got(c), "news one two #a%20b\n"+`bridge.reset {"reason":"gap"}`+" | three #d")
		if c.Ended().IsZero() {
			t.Error("a 204 does not end the stream")
		}
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages /messagesc /messagesd")
		if wait := u.times[1].Sub(u.times[0]); wait != 12*time.Second {
			t.Errorf("the upstream asks for 7s, and gets another request %s after the first", wait)
		}
	})
}

func TestAStreamBehindARedirect(t *testing.T) {
	t.Parallel()
	for _, accepted := range []string{"", `, "accept": [404]`} {
		inFrontOf(t, numbered+accepted, func(_ int, c *streamedAnswer) {
			if c.r.URL.Path != "/moved" {
				c.Header().Set("Location", "/moved?"+c.r.URL.RawQuery)
				c.WriteHeader(http.StatusFound)
				return
			}
			c.write(record(1))
			c.pass(5 * time.Second)
		}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
			c := testbridge.Open(t, h, false)
			testbridge.Pass(6 * time.Second)
			expect(t, "the client has got", got(c), `{"id":1} #1`)
			c.Leave()
			asked, _ := u.requests()
			expect(t, "requests", asked, "/messages /moved /messages?since=1 /moved?since=1")
		})
	}
}

func TestARedirectThatIsAcceptedMayGoOn(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered+`, "accept": [302]`, func(_ int, c *streamedAnswer) {
		c.Header().Set("Location", "/moved")
		c.WriteHeader(http.StatusFound)
		c.write(record(1))
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(5 * time.Second)
		expect(t, "the client has got", got(c), `{"id":1} #1`)
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages")
	})
}

func TestAnEventStreamMayAskForAnHourAtMost(t *testing.T) {
	t.Parallel()
	for retry, wait := range map[string]time.Duration{
		"60000": time.Minute, "3600001": time.Hour, "10000000000000": time.Hour, "99999999999999999999": time.Hour,
	} {
		inFrontOf(t, `"stream": "60s", "format": "sse"`, func(_ int, c *streamedAnswer) {
			c.write("retry: " + retry + "\nid: 1\ndata: a\n\n")
			c.pass(2 * time.Second)
		}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
			c := testbridge.Open(t, h, false)
			testbridge.Pass(wait + 10*time.Second)
			u.mu.Lock()
			times := u.times
			u.mu.Unlock()
			if len(times) != 2 || times[1].Sub(times[0]) < wait {
				t.Errorf("after a retry of %s ms, requests came at %s", retry, times)
			}
			c.Leave()
		})
	}
}

// Lines may be separated instead of ended. What was cut off is no line.
func TestTheLastLineOfAnAnswerNeedsNoLineBreak(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ last, want, asked string }{
		{`{"id":2}`, `{"id":1} #1 | {"id":2} #2`, "/messages /messages?since=2"},
		{`{"id":2`, `{"id":1} #1`, "/messages /messages?since=1"},
	} {
		inFrontOf(t, numbered, func(n int, a *streamedAnswer) {
			if n > 1 {
				a.hang()
				return
			}
			a.write(record(1))
			a.pass(2 * time.Second)
			a.write(c.last)
		}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
			client := testbridge.Open(t, h, false)
			testbridge.Pass(time.Minute)
			asked, _ := u.requests()
			expect(t, "the client has got", strings.ReplaceAll(got(client), "\n", " | "), c.want)
			expect(t, "requests", asked, c.asked)
			client.Leave()
		})
	}
}

func TestTheSessionOfAStreamIsClosed(t *testing.T) {
	t.Parallel()
	var asked []string
	step := func(body string) caddyhttp.Handler {
		return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			asked = append(asked, r.URL.RequestURI())
			_, err := io.WriteString(w, body)
			return err
		})
	}
	inFrontOf(t, `"stream": "60s", "format": "lines", "query": [{"name": "sid", "value": "{sse.cursor.sid}"}],
		"open": {"rewrite": "/login", "cursor": [{"name": "sid", "values": ["sid"]}]},
		"close": {"rewrite": "/logout", "query": [{"name": "sid", "value": "{sse.cursor.sid}"}]}`, func(_ int, c *streamedAnswer) {
		c.write("a\n")
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, _ *streamed) {
		h.Instance.Routes[upstream.Kind(1)], h.Instance.Routes[upstream.Kind(2)] = step(`{"sid":"s1"}`), step("")
		c := testbridge.Open(t, h, false)
		testbridge.Pass(5 * time.Second)
		c.Leave()
		testbridge.Pass(time.Minute)
		expect(t, "requests of the session", strings.Join(asked, " "), "/login /logout?sid=s1")
	})
}

func TestRecordsInAnotherCharsetGoOutInUTF8(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ format, contentType, answer, want string }{
		{`"format": "lines"`, "text/plain; charset=iso-8859-1", "caf\xe9\n", "café #~1"},
		{`"format": "lines", "separator": "|"`, "text/plain; charset=shift_jis", "\x83|\x83X\x83g|", "ポスト #~1"},
		{`"format": "json"`, "application/json; charset=iso-8859-1", "{\"a\":\"caf\xe9\"}", `{"a":"café"} #~1`},
		{`"format": "scripts"`, "text/html; charset=iso-8859-1", "<script>up(\"caf\xe9\")</script>", "café #~1"},
		{`"format": "sse"`, "text/event-stream; charset=iso-8859-1", "data: café\n\n", "café #~1"},
		{`"format": "multipart"`, "multipart/mixed; boundary=b; charset=utf-16", "--b\nContent-Type: text/plain; charset=iso-8859-1\n\ncaf\xe9\n--b", "café #~1"},
	} {
		inFrontOf(t, `"stream": "60s", `+c.format, func(_ int, a *streamedAnswer) {
			a.Header().Set("Content-Type", c.contentType)
			for i := range len(c.answer) {
				a.write(c.answer[i : i+1])
			}
			a.pass(time.Hour)
		}, func(t *testing.T, h *testbridge.Standalone, _ *streamed) {
			client := testbridge.Open(t, h, false)
			testbridge.Pass(time.Second)
			expect(t, c.contentType+" with "+c.format, got(client), c.want)
			client.Leave()
		})
	}
}

func TestTheHeadOfAStreamHasATimeout(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered+`, "timeout": "10s"`, func(n int, c *streamedAnswer) {
		if n > 1 {
			c.WriteHeader(http.StatusOK)
			c.pass(50 * time.Second)
			c.write(record(1))
		}
		c.pass(time.Hour)
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(2 * time.Minute)
		expect(t, "the client has got", got(c), "{\"id\":1} #1")
		c.Leave()
		if asked, _ := u.requests(); asked != "/messages /messages" {
			t.Errorf("requests: %s", asked)
		}
	})
}

func TestStreamsOfTheUpstreamAreBounded(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered+`, "limits": {"streams": 1, "polls": 1}`, func(n int, c *streamedAnswer) {
		c.write(record(5))
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		first := testbridge.Open(t, h, false)
		testbridge.Pass(time.Second)
		busy := testbridge.OpenWith(t, h, "Last-Event-ID", "2")
		shares := testbridge.Open(t, h, false)
		testbridge.Pass(time.Second)
		if !busy.IsBusy() {
			t.Errorf("a client that needs a second answer has got %v", busy.Written())
		}
		if over := overLimits(h.Bridge); !strings.HasPrefix(over, "streams 1 at ") {
			t.Errorf("of it is counted %q", over)
		}
		expect(t, "a client that shares has got", got(shares), "{\"id\":5} #5")
		first.Leave()
		shares.Leave()
		testbridge.Pass(time.Second) // the feed lingers
		other := testbridge.OpenWith(t, h, "Last-Event-ID", "2", "Authorization", "other")
		testbridge.Pass(time.Second)
		expect(t, "a client that comes while a feed only lingers has got", got(other), "{\"id\":5} #5")
		other.Leave()
	})
}

func TestAStreamIsReadNoFasterThanItsReaders(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	written := 0
	inFrontOf(t, numbered, func(_ int, c *streamedAnswer) {
		for n := 1; c.r.Context().Err() == nil && n < 1000; n++ {
			c.write(record(n))
			mu.Lock()
			written = n
			mu.Unlock()
		}
		c.hang()
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, true)
		testbridge.Pass(time.Second)
		mu.Lock()
		if written > 10 {
			t.Errorf("%d records were read for a client that reads none", written)
		}
		mu.Unlock()
		c.Leave()
	})
}

// Only the first page of an answer is read that shows whether the position is refused.
func TestWhatAStreamForgetsAfterRefusalsIsAnnounced(t *testing.T) {
	t.Parallel()
	inFrontOf(t, numbered+`, "replay": {"events": 100}`, func(n int, c *streamedAnswer) {
		switch n {
		case 1:
			c.write(record(1))
			c.pass(time.Second)
		case 2, 3, 4:
			c.WriteHeader(http.StatusNotFound)
		case 5:
			c.write(record(2))
			c.write(record(3)) // to nobody
			c.write(record(4))
		default:
			c.write(record(5))
			c.hang()
		}
	}, func(t *testing.T, h *testbridge.Standalone, u *streamed) {
		c := testbridge.Open(t, h, false)
		testbridge.Pass(time.Minute)
		expect(t, "the client has got", got(c), `{"id":1} #1`+"\n"+`bridge.reset {"reason":"unknown_id"}`+"\n"+`{"id":2} #2`+"\n"+`bridge.reset {"reason":"gap"}`+"\n"+`{"id":5} #5`)
		c.Leave()
		asked, _ := u.requests()
		expect(t, "requests", asked, "/messages /messages?since=1 /messages?since=1 /messages?since=1 /messages /messages?since=2")
	})
}
