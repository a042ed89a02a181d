// Package leaks looks for goroutines that tests have left.
package leaks

import (
	"net/http"

	"go.uber.org/goleak"
)

// Check returns a function that returns an error with the goroutines that are left, except those that run
// one of the functions that are named.
func Check(ignored ...string) func() error {
	options := []goleak.Option{
		goleak.IgnoreTopFunction("github.com/DeRuina/timberjack.(*Logger).millRun"),    // a rotated log keeps it when it is closed
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"), // it looks every five seconds whether it may go
	}
	for _, function := range ignored {
		options = append(options, goleak.IgnoreAnyFunction(function))
	}
	return func() (err error) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		for range 20 { // each waits for a second or more: a watchdog takes that to see that it may go, on a busy machine longer
			if err = goleak.Find(options...); err == nil {
				return nil
			}
		}
		return err
	}
}
