package page

import (
	"fmt"
	"net/http"
	"time"
)

// Error is an answer that holds nothing to read: the poll is repeated later.
type Error struct {
	Status  int           // of the answer; 0 where there was none
	Comment string        // for clients, from a fixed list: never the upstream's words
	Wait    time.Duration // the least time to the next poll that the answer asks for
	Err     error         // for the operator
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Comment, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Refusal is an answer by which the upstream declines to be polled like this.
type Refusal struct {
	Status int
	Header http.Header // WWW-Authenticate and Location, as far as the upstream sent them
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the upstream refused the poll with status %d", r.Status)
}
