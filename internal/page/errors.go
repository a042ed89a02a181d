package page

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/jq"
)

// The comments by which clients learn that a poll brought nothing.
const (
	Unreachable = "upstream unreachable" // no answer came
	Late        = "no answer in time"
	Unreadable  = "unreadable answer"
	Ended       = "answer ended"              // at once, where it goes on
	Reported    = "upstream reports an error" // in an answer with an accepted status
	Refuses     = "upstream refuses"          // with a 4xx, or a redirect elsewhere
)

// Cause is what is wrong with an answer, where that says what to do.
type Cause string

// The causes.
const (
	HTML     Cause = "html"      // it is a page for people, such as a login page
	Unended  Cause = "unended"   // it has begun, and has not ended in time
	TooLarge Cause = "too_large" // it is larger than the limit

	// BrokenOff is an answer that is Unreachable but for its beginning.
	BrokenOff Cause = "broken_off"
)

// Error is an answer that holds nothing to read: the poll is repeated later.
type Error struct {
	Status  int           // of the answer; 0 where there was none
	Comment string        // for clients, from a fixed list: never the upstream's words
	Cause   Cause         // empty: there is nothing more to say of the kind of error
	Wait    time.Duration // the least time to the next poll that the answer asks for, capped
	Asked   time.Duration // what it asks for, where that is more than Wait; else 0

	// Later is true where the upstream is well, and says that the same request may do better later: 409,
	// 423, 425, 429, and any other 4xx that asks to wait or says that a rate limit is spent, as well as an
	// answer that is Reported and does so. All other errors may be an outage: no answer, 421, 5xx, any other
	// error in an answer, and what cannot be read.
	Later bool

	Err error // for the operator
}

// Unanswered reports whether no answer came at all, or only a part of one.
func (e *Error) Unanswered() bool { return e.Comment == Unreachable || e.Comment == Late }

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Comment, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Detail returns the text of an error for someone who sees the answer anyway: what a jq program did not expect is in it. The
// error's own text is for logs, and has no word of the answer.
func Detail(err error) string {
	text := err.Error()
	if failed, ok := errors.AsType[*jq.Error](err); ok {
		return strings.Replace(text, failed.Error(), failed.Detail(), 1)
	}
	return text
}

// Refusal is an answer by which the upstream declines to be polled like this.
type Refusal struct {
	Status int
	Header http.Header // WWW-Authenticate and Location, as far as the upstream sent them
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the upstream refused the poll with status %d", r.Status)
}

// refusal returns the error for an answer with that status and header.
func refusal(status int, h http.Header) *Refusal {
	kept := make(http.Header)
	for _, name := range [...]string{"Www-Authenticate", "Location"} {
		if v := h.Values(name); len(v) > 0 {
			kept[name] = slices.Clone(v)
		}
	}
	return &Refusal{Status: status, Header: kept}
}

// unreadable returns the error for an answer whose body does not decode.
func unreadable(format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Comment: Unreadable, Cause: CauseOf(err), Err: err}
}

// CauseOf returns the cause that an error of reading an answer tells of.
func CauseOf(err error) Cause {
	if errors.Is(err, decode.ErrHTML) {
		return HTML
	}
	return ""
}
