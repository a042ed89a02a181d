package page

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what an upstream may ask for, so that a slip of its own, such as milliseconds for
// seconds, does not stop a feed for long.
const maxWait = time.Hour

// capped returns how long to wait where that much is asked for, and what was asked for if that is more.
func capped(asked time.Duration) (wait, over time.Duration) {
	if asked > maxWait {
		return maxWait, asked
	}
	return asked, 0
}

// pacing returns the least time to the next poll that the answer asks for, in its header or in
// its body.
func (rd *reading) pacing() time.Duration {
	after, _ := retryAfter(rd.header)
	return max(after, seconds(rd.header.Get("X-Poll-Interval")), rd.retryAfter())
}

// retryAfter returns the wait that the body asks for.
func (rd *reading) retryAfter() time.Duration {
	return decimal(string(rd.look(rd.reader.config.RetryAfter, rd.body.text)), cmp.Or(rd.reader.config.RetryAfterUnit, time.Second))
}

// retryAfter returns the wait that Retry-After asks for (RFC 9110, section 10.2.3); ok is false where it
// asks for none.
func retryAfter(h http.Header) (wait time.Duration, ok bool) {
	after := strings.TrimSpace(h.Get("Retry-After"))
	if after == "" {
		return 0, false
	}
	if t, err := http.ParseTime(after); err == nil {
		return until(t, h)
	}
	if strings.Trim(after, "0123456789") != "" {
		return 0, false
	}
	return seconds(after), true
}

// until counts from an answer's own Date; without one it is not known how long that is. ok is false
// where the time is past.
func until(t time.Time, h http.Header) (wait time.Duration, ok bool) {
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0, true
	}
	wait = t.Sub(now)
	return max(wait, 0), wait >= 0
}

// seconds reads a count of seconds. It is 0 for anything else.
func seconds(s string) time.Duration {
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0
	case n > math.MaxInt64/uint64(time.Second):
		return math.MaxInt64
	}
	return time.Duration(n) * time.Second
}

// decimal reads a count of a unit that may have a fraction, as Discord writes it. It is 0 for
// anything else.
func decimal(s string, unit time.Duration) time.Duration {
	if s == "" {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil && !math.IsInf(n, 0) || math.IsNaN(n) || n <= 0 {
		return 0
	}
	if n >= math.MaxInt64/float64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n * float64(unit))
}
