package page

import (
	"errors"
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
		{[]string{"Retry-After: 99999999999999999999999"}, 24 * time.Hour},
		{[]string{"Retry-After: 9223372037"}, 24 * time.Hour}, // overflows a Duration
		{[]string{date, "Retry-After: Sat, 21 Nov 2026 01:00:30 GMT"}, 30 * time.Second},
		{[]string{date, "Retry-After: Saturday, 21-Nov-26 01:00:30 GMT"}, 30 * time.Second},
		{[]string{date, "Retry-After: Sat, 21 Nov 2026 00:59:00 GMT"}, 0},
		{[]string{date, "Retry-After: Fri, 21 Nov 2036 01:00:00 GMT"}, 24 * time.Hour},
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
