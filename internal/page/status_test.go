package page

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

func TestStatusMakesAnswersNoNewsErrorsAndRefusals(t *testing.T) {
	t.Parallel()
	const body = `{"n":1}`
	for _, c := range []struct {
		status int
		accept string
		want   string
	}{
		{200, "", "news"},
		{201, "", "news"},
		{203, "", "news"},
		{206, "", "news"},
		{204, "", "quiet"},
		{304, "", "quiet"},
		{408, "", "quiet"},
		{304, "accept 304", "quiet"},
		{408, "accept 408", "quiet"},
		{404, "accept 404", "news"},
		{503, "accept 503", "news"},
		{301, "accept 301", "news"},
		{404, "accept 410", "refused"},
		{301, "", "refused"},
		{302, "", "refused"},
		{303, "", "refused"},
		{307, "", "refused"},
		{308, "", "refused"},
		{400, "", "refused"},
		{401, "", "refused"},
		{403, "", "refused"},
		{404, "", "refused"},
		{410, "", "refused"},
		{412, "", "refused"},
		{416, "", "refused"},
		{418, "", "refused"},
		{451, "", "refused"},
		{409, "", "status 409"},
		{421, "", "status 421"},
		{423, "", "status 423"},
		{425, "", "status 425"},
		{429, "", "status 429"},
		{500, "", "status 500"},
		{502, "", "status 502"},
		{503, "", "status 503"},
		{599, "", "status 599"},
		{0, "", "status 0"},
		{101, "", "status 101"},
		{600, "", "status 600"},
	} {
		p, err := reader(t, c.accept).Read(status(c.status, body), at(), nil)
		var failed *Error
		var refused *Refusal
		got := "quiet"
		switch {
		case errors.As(err, &failed):
			got = failed.Comment
		case errors.As(err, &refused):
			got = "refused"
			equal(t, "the refusal's status", refused.Status, c.status)
		case p.News:
			got = "news"
		}
		if got != c.want {
			t.Errorf("%d with %q: %s, want %s", c.status, c.accept, got, c.want)
		}
	}
}

func TestABrokenBodyIsOneOnlyWhereItIsRead(t *testing.T) {
	t.Parallel()
	const sid = "X-Sid: s2"
	for _, c := range []struct {
		config string
		status int
		want   string
	}{
		{"format json", 200, "unreadable answer"},
		{"", 200, "unreadable answer"},
		{"format text", 200, "unreadable answer"},
		{"format message", 200, "unreadable answer"},
		{"format lines", 200, "unreadable answer"},
		{"format feed; id guid", 200, "unreadable answer"},
		{"items a; id i", 200, "unreadable answer"},
		{"accept 404", 404, "unreadable answer"},
		{"accept 404; ignore {sse.status} 404; data ok", 404, "s2"},
		{"", 204, "s2"},
		{"", 304, "s1"},
		{"", 401, "refused"},
		{"", 503, "status 503"},
		{"reset {sse.status} 410", 410, "reset"},
	} {
		resp := status(c.status, "", sid)
		resp.Broken = errors.New("decoding the answer's gzip: EOF")
		r := reader(t, c.config+"; cursor {sse.header.X-Sid}")
		p, err := r.Read(resp, at("s1"), nil)
		got := p.Next.ID()
		var failed *Error
		switch {
		case errors.As(err, &failed):
			got = failed.Comment
		case err != nil:
			got = "refused"
		case p.Reset:
			got = "reset"
		}
		if got != c.want || err == nil && len(p.Events) > 0 {
			t.Errorf("%d with %q: %s, want %s", c.status, c.config, got, c.want)
		}
		if found := r.Explain(resp, nil); found.Err == nil {
			t.Errorf("%d with %q: it is explained as %+v", c.status, c.config, found)
		}
	}
}

func TestRefusalKeepsOnlyWhatMakesItUnderstood(t *testing.T) {
	t.Parallel()
	_, err := reader(t, "").Read(status(401, "secret", "WWW-Authenticate: Basic realm=a", "WWW-Authenticate: Bearer",
		"Location: /login", "Set-Cookie: sid=1"), at(), nil)
	var refused *Refusal
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	equal(t, "challenges", strings.Join(refused.Header.Values("WWW-Authenticate"), "|"), "Basic realm=a|Bearer")
	equal(t, "Location", refused.Header.Get("Location"), "/login")
	equal(t, "headers kept", len(refused.Header), 2)
}

func TestConditionsCanSeeAnAnswerThatIsRefused(t *testing.T) {
	t.Parallel()
	var env value.Env
	_, err := reader(t, "items @this; id node.modifiedIndex").Read(recorded(t, "etcd_outdated.http"), at("7"), &env)
	if _, refused := errors.AsType[*Refusal](err); !refused {
		t.Fatalf("%v is no refusal", err)
	}
	equal(t, "errorCode", string(val(t, "errorCode").Get(env.Body, &env)), "401")
	equal(t, "status", env.Status, 400)
	equal(t, "index", string(val(t, "{sse.header.X-Etcd-Index}").Get(env.Body, &env)), "1019")
}

func TestAnErrorThatSaysLaterIsNoOutage(t *testing.T) {
	t.Parallel()
	const date = "Date: Sat, 21 Nov 2026 01:00:00 GMT" // 1795222800
	for _, c := range []struct {
		status int
		header string
		later  bool
		wait   time.Duration // of an error; -1 for a refusal
	}{
		{409, "", true, 0},
		{423, "", true, 0},
		{425, "", true, 0},
		{429, "", true, 0},
		{429, "Retry-After: 9", true, 9 * time.Second},
		{421, "", false, 0},
		{500, "Retry-After: 9", false, 9 * time.Second},
		{503, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 9", false, 0},
		{403, "", false, -1},
		{404, "", false, -1},
		{301, "Retry-After: 9", false, -1},
		{403, "X-Poll-Interval: 60", false, -1},

		{401, "Retry-After: 8", true, 8 * time.Second},
		{403, "Retry-After: 8", true, 8 * time.Second},
		{404, "Retry-After: 8", true, 8 * time.Second},
		{410, "Retry-After: 8", true, 8 * time.Second},
		{403, "Retry-After: 0", true, 0},
		{403, "Retry-After: soon", false, -1},
		{403, "Retry-After: -1", false, -1},
		{403, "Retry-After: Sat, 21 Nov 2026 01:00:30 GMT", true, 30 * time.Second},
		{403, "Retry-After: Sat, 21 Nov 2026 01:00:00 GMT", true, 0},
		{403, "Retry-After: Sat, 21 Nov 2026 00:59:59 GMT", false, -1}, // what is past says nothing

		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1795222860", true, time.Minute}, // GitHub
		{403, "X-RateLimit-Remaining: 1|X-RateLimit-Reset: 1795222860", false, -1},
		{403, "X-RateLimit-Remaining: 0", false, -1},
		{403, "X-RateLimit-Reset: 1795222860", false, -1},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1795222799", true, 0},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1795222800", true, 0},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1795222860500", true, 60500 * time.Millisecond},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1795222830.25", true, 30250 * time.Millisecond},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 1795922860", true, time.Hour},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: Sat, 21 Nov 2026 01:00:30 GMT", true, 30 * time.Second},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 2026-11-21T01:00:30Z", true, 30 * time.Second},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: never", false, -1},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: NaN", false, -1},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: -5", false, -1},
		{403, "X-RateLimit-Remaining: 0|X-RateLimit-Reset-After: 1.5", true, 1500 * time.Millisecond}, // Discord
		{403, "RateLimit-Remaining: 0|RateLimit-Reset: 50", true, 50 * time.Second},
		{403, "X-Rate-Limit-Remaining: 0|X-Rate-Limit-Reset: 50", true, 50 * time.Second},
		{403, `RateLimit: "default";r=0;t=40`, true, 40 * time.Second},
		{403, `RateLimit: "burst";r=3;t=40, "day";r=0;t=70`, true, 70 * time.Second},
		{403, `RateLimit: "default";r=7;t=40`, false, -1},
		{403, "RateLimit: limit=100, remaining=0, reset=50", true, 50 * time.Second},
		{403, "RateLimit: limit=100, remaining=5, reset=50", false, -1},
		{403, "RateLimit: remaining=0", false, -1},
		{429, "X-RateLimit-Remaining: 0|X-RateLimit-Reset: 20", true, 20 * time.Second},
		{429, "Retry-After: 30|X-RateLimit-Remaining: 0|X-RateLimit-Reset: 20", true, 30 * time.Second},
	} {
		_, err := reader(t, "").Read(status(c.status, "", append(strings.Split(c.header, "|"), date)...), at(), nil)
		var failed *Error
		switch {
		case c.wait < 0:
			if _, refused := errors.AsType[*Refusal](err); !refused {
				t.Errorf("%d with %s: %v, want a refusal", c.status, c.header, err)
			}
		case !errors.As(err, &failed):
			t.Errorf("%d with %s: %v, want an error", c.status, c.header, err)
		case failed.Later != c.later || failed.Wait != c.wait || failed.Comment != "status "+strconv.Itoa(c.status):
			t.Errorf("%d with %s: %q, later %t, waits %v; want later %t, %v", c.status, c.header, failed.Comment, failed.Later, failed.Wait, c.later, c.wait)
		}
	}
	// an epoch cannot be counted from an answer without a date, and says later all the same
	_, err := reader(t, "").Read(status(403, "", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1795222860"), at(), nil)
	if failed, ok := errors.AsType[*Error](err); !ok || !failed.Later || failed.Wait != 0 {
		t.Errorf("without a date: %v", err)
	}
	// what is configured to say how long to wait says later too
	r := reader(t, "retry_after retry_after; accept 410")
	_, err = r.Read(status(403, `{"retry_after":4}`), at(), nil)
	if failed, ok := errors.AsType[*Error](err); !ok || !failed.Later || failed.Wait != 4*time.Second {
		t.Errorf("in the body: %v", err)
	}
	if _, err = r.Read(status(403, `{"retry_after":0}`), at(), nil); err == nil {
		t.Error("403 is an answer")
	} else if _, refused := errors.AsType[*Refusal](err); !refused {
		t.Errorf("no wait in the body: %v", err)
	}
	if p := mustRead(t, r, status(410, "{}", "Retry-After: 5"), at()); p.Wait != 5*time.Second {
		t.Errorf("what is accepted is an answer, which waits %v", p.Wait)
	}
}

func TestAWaitThatIsCutShortIsTold(t *testing.T) {
	t.Parallel()
	r := reader(t, "retry_after wait")
	for _, c := range []struct {
		resp  Response
		asked time.Duration
	}{
		{ok(`{}`, "Retry-After: 3600"), 0},
		{ok(`{}`, "Retry-After: 6500"), 6500 * time.Second},
		{ok(`{"wait":6500.5}`), 6500*time.Second + 500*time.Millisecond},
		{ok(`{"wait":1e300}`), math.MaxInt64},
		{ok(`{}`, "X-Poll-Interval: 99999999999999999999"), math.MaxInt64},
		{status(304, "", "Retry-After: 7200"), 2 * time.Hour},
	} {
		p := mustRead(t, r, c.resp, at())
		if p.Asked != c.asked || c.asked > 0 && p.Wait != time.Hour {
			t.Errorf("%v %s: asked for %v, waits %v; want %v", c.resp.Header, c.resp.Body, p.Asked, p.Wait, c.asked)
		}
	}
	for _, code := range []int{429, 503} {
		_, err := r.Read(status(code, `{"wait":7200}`), at(), nil)
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Asked != 2*time.Hour || failed.Wait != time.Hour {
			t.Errorf("%d: %#v", code, err)
		}
	}
}

func TestWaitIsWhatTheAnswerAsksFor(t *testing.T) {
	t.Parallel()
	const date = "Date: Sat, 21 Nov 2026 01:00:00 GMT"
	for _, c := range []struct {
		header []string
		want   time.Duration
	}{
		{nil, 0},
		{[]string{"Retry-After: 120"}, 2 * time.Minute},
		{[]string{"Retry-After:  7 "}, 7 * time.Second},
		{[]string{"Retry-After: -1"}, 0},
		{[]string{"Retry-After: soon"}, 0},
		{[]string{"Retry-After: 1.5"}, 0},
		{[]string{"Retry-After: 3600"}, time.Hour},
		{[]string{"Retry-After: 3601"}, time.Hour},
		{[]string{"Retry-After: 99999999999999999999999"}, time.Hour},
		{[]string{"Retry-After: 9223372037"}, time.Hour}, // overflows a Duration
		{[]string{date, "Retry-After: Sat, 21 Nov 2026 01:00:30 GMT"}, 30 * time.Second},
		{[]string{date, "Retry-After: Saturday, 21-Nov-26 01:00:30 GMT"}, 30 * time.Second},
		{[]string{date, "Retry-After: Sat, 21 Nov 2026 00:59:00 GMT"}, 0},
		{[]string{date, "Retry-After: Fri, 21 Nov 2036 01:00:00 GMT"}, time.Hour},
		{[]string{"Retry-After: Sat, 21 Nov 2026 01:00:30 GMT"}, 0}, // no Date to count from
		{[]string{"X-Poll-Interval: 60"}, time.Minute},
		{[]string{"X-Poll-Interval: 60", "Retry-After: 5"}, time.Minute},
		{[]string{"X-Poll-Interval: 5", "Retry-After: 60"}, time.Minute},
	} {
		for _, code := range []int{200, 204, 304} {
			equal(t, strings.Join(c.header, ", "), mustRead(t, reader(t, ""), status(code, "x", c.header...), at()).Wait, c.want)
		}
		for _, resp := range []Response{status(503, "", c.header...), ok("<", c.header...)} {
			_, err := reader(t, "format json").Read(resp, at(), nil)
			var failed *Error
			if !errors.As(err, &failed) || failed.Wait != c.want {
				t.Errorf("%d %v: %#v, want an error that waits %v", resp.Status, c.header, err, c.want)
			}
		}
	}
}
