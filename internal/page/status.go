package page

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what an upstream may ask for, so that a slip of its own does not stop a
// feed for good.
const maxWait = 24 * time.Hour

// verdict is what a status makes of an answer that is neither an error nor a refusal.
type verdict int

const (
	answered verdict = iota
	quiet            // no news, but the headers may have cursors
	nothing          // no news, and nothing to read
)

// judge says what the status makes of an answer.
func (r *Reader) judge(resp Response, wait time.Duration) (verdict, error) {
	accepted := r.accepts(resp.Status)
	switch s := resp.Status; {
	case s == http.StatusNotModified:
		return nothing, nil
	case s == http.StatusNoContent || s == http.StatusRequestTimeout:
		if accepted {
			return quiet, nil
		}
		return nothing, nil
	case accepted:
		return answered, nil
	case s/100 == 3 || s/100 == 4 && !passing(s):
		return 0, refusal(resp)
	}
	return 0, &Error{
		Comment: fmt.Sprintf("status %d", resp.Status),
		Wait:    wait,
		Err:     errors.New("only 2xx, and what accept lists, is an answer"),
	}
}

// accepts reports whether a status is that of an answer.
func (r *Reader) accepts(status int) bool {
	return status/100 == 2 || slices.Contains(r.accept, status)
}

// passing reports whether a 4xx says that the same request may do better later.
func passing(status int) bool {
	switch status {
	case http.StatusConflict, http.StatusMisdirectedRequest, http.StatusLocked,
		http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return false
}

func refusal(resp Response) *Refusal {
	kept := make(http.Header)
	for _, name := range [...]string{"Www-Authenticate", "Location"} {
		if v := resp.Header.Values(name); len(v) > 0 {
			kept[name] = slices.Clone(v)
		}
	}
	return &Refusal{Status: resp.Status, Header: kept}
}

// unreadable returns the error for an answer whose body does not decode.
func unreadable(wait time.Duration, format string, args ...any) *Error {
	return &Error{Comment: "unreadable answer", Wait: wait, Err: fmt.Errorf(format, args...)}
}

// wait returns the least time to the next poll that an answer's header asks for: the longer of
// Retry-After (RFC 9110, section 10.2.3) and GitHub's X-Poll-Interval in seconds. A date is
// counted from the answer's own Date, and not at all without one.
func wait(h http.Header) time.Duration {
	after := h.Get("Retry-After")
	least := max(seconds(after), seconds(h.Get("X-Poll-Interval")))
	if until, err := http.ParseTime(after); err == nil {
		if now, err := http.ParseTime(h.Get("Date")); err == nil {
			least = max(least, until.Sub(now))
		}
	}
	return min(least, maxWait)
}

// seconds reads a count of seconds. It is 0 for anything else.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return maxWait
	}
	if err != nil {
		return 0
	}
	return time.Duration(min(n, uint64(maxWait/time.Second))) * time.Second
}
