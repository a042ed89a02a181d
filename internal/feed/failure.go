package feed

import (
	"errors"
	"strconv"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// failure is a poll that brought nothing to read.
type failure struct {
	err     error
	refusal *page.Refusal // nil where it is none
	outcome Outcome       // Failed, or Declined
	status  int           // of HTTP; 0 where there was no answer
	comment string        // for clients
	kind    string        // equal for failures of one kind
	wait    time.Duration // the least time to the next poll that the upstream asks for, capped
	wished  time.Duration // what it asks for, where that is more than wait; else 0
	later   bool          // the upstream is there, and says that it will do better later
	warning Warnings      // for the operator
}

func failureOf(err error) failure {
	f := failure{err: err, outcome: Failed, comment: page.Unreachable}
	failed := (*page.Error)(nil)
	switch {
	case errors.As(err, &f.refusal):
		f.outcome, f.status, f.comment = Declined, f.refusal.Status, page.Refuses
		f.kind, f.warning = strconv.Itoa(f.status), warnRefusing
		return f
	case errors.As(err, &failed):
		f.status, f.comment = failed.Status, failed.Comment
		f.wait, f.wished, f.later = failed.Wait, failed.Asked, failed.Later
	}
	f.kind, f.warning = f.comment, warningOf(failed)
	return f
}

// unanswered reports whether no answer came.
func (f failure) unanswered() bool { return (&page.Error{Comment: f.comment}).Unanswered() }
