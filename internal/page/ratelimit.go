package page

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rateLimits begin the names of the fields that say how many requests are left, and when there are
// more again. All are in use: the first at GitHub, the second in an older draft of the IETF's, the third
// at Twitter.
var rateLimits = [...]string{"X-Ratelimit-", "Ratelimit-", "X-Rate-Limit-"}

// spent reports whether an answer says that a rate limit has nothing left until a time that it names,
// and how long that is.
func spent(h http.Header) (wait time.Duration, ok bool) {
	take := func(remaining, reset string) {
		if !isZero(remaining) {
			return
		}
		if w, valid := resetIn(reset, h); valid {
			wait, ok = max(wait, w), true
		}
	}
	for _, prefix := range rateLimits {
		remaining := h.Get(prefix + "Remaining")
		take(remaining, h.Get(prefix+"Reset"))
		take(remaining, h.Get(prefix+"Reset-After"))
	}
	for _, field := range h.Values("Ratelimit") {
		take(rateLimit(field, ",", "remaining", "reset")) // draft-ietf-httpapi-ratelimit-headers-07
		for policy := range strings.SplitSeq(field, ",") {
			take(rateLimit(policy, ";", "r", "t")) // the later ones: "day";r=0;t=70
		}
	}
	return wait, ok
}

// rateLimit returns two of the parameters in a field.
func rateLimit(field, separator, remaining, reset string) (left, until string) {
	for parameter := range strings.SplitSeq(field, separator) {
		name, text, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		switch name {
		case remaining:
			left = text
		case reset:
			until = text
		}
	}
	return left, until
}

func isZero(count string) bool {
	n, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
	return err == nil && n == 0
}

// The least number that is taken for a time since 1970 in seconds, and in milliseconds; what is less is
// a count of seconds.
const (
	epochSeconds = 1e9
	epochMillis  = 1e11
)

// resetIn returns in how long a rate limit is reset: after so many seconds, or at a time, which the clock
// of the Date may have passed already. ok is false for anything else.
func resetIn(reset string, h http.Header) (wait time.Duration, ok bool) {
	reset = strings.TrimSpace(reset)
	n, err := strconv.ParseFloat(reset, 64)
	switch {
	case err == nil && (n < 0 || math.IsNaN(n) || math.IsInf(n, 0)):
		return 0, false
	case err == nil && n < epochSeconds:
		return decimal(reset, time.Second), true
	case err == nil:
		if n < epochMillis {
			n *= 1000
		}
		wait, _ = until(time.UnixMilli(int64(min(n, 1e15))), h)
		return wait, true
	}
	for _, parse := range []func(string) (time.Time, error){
		http.ParseTime,
		func(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) },
	} {
		if t, err := parse(reset); err == nil {
			wait, _ = until(t, h)
			return wait, true
		}
	}
	return 0, false
}
