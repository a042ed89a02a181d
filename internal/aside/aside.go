// Package aside keeps the stacks of goroutines small that wait for long.
package aside

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
)

// Run runs f on a goroutine of its own, and returns when f has. The stack of a goroutine grows as deep as its calls go, and is halved
// only while less than a quarter of it is in use: what the caller waits with is too much of it. If f panics, so does Run:
// with the value if that is [http.ErrAbortHandler], and else with an error that tells the stack of f.
func Run(f func()) {
	done := make(chan func())
	go func() {
		then := runtime.Goexit // if f neither returns nor panics
		defer func() {
			if v := recover(); v != nil {
				v = told(v)
				then = func() { panic(v) }
			}
			done <- then
		}()
		f()
		then = func() {}
	}()
	(<-done)()
}

// told returns what is panicked with in place of a value, in the deferred call that has recovered it.
func told(v any) any {
	err, ok := v.(error)
	switch {
	case !ok:
		return fmt.Errorf("%v\n\n%s", v, debug.Stack())
	case errors.Is(err, http.ErrAbortHandler):
		return v // net/http compares it
	}
	return fmt.Errorf("%w\n\n%s", err, debug.Stack())
}
