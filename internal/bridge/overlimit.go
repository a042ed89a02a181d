package bridge

import "fmt"

// overLimit means that a limit is reached.
type overLimit struct {
	limit string // as in the Caddyfile
	most  int
	of    string // what it bounds
}

// Error says which limit it is.
func (o *overLimit) Error() string { return fmt.Sprintf("over a limit: %d %s", o.most, o.of) }
