package aside_test

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/aside"
)

// recovered returns what a function panics with.
func recovered(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

func TestRunReturnsAfterItsFunction(t *testing.T) {
	ran := false
	aside.Run(func() { ran = true })
	if !ran {
		t.Error("it has not run")
	}
}

func TestAPanicReachesTheCaller(t *testing.T) {
	mistake := errors.New("a mistake")
	if v := recovered(func() { aside.Run(func() { panic(http.ErrAbortHandler) }) }); v != http.ErrAbortHandler {
		t.Errorf("net/http gets %v", v)
	}
	for _, v := range []any{mistake, "a mistake"} {
		err, ok := recovered(func() { aside.Run(func() { makeMistake(v) }) }).(error)
		if !ok || !strings.HasPrefix(err.Error(), "a mistake\n") || !strings.Contains(err.Error(), "makeMistake") {
			t.Errorf("of %v, the caller gets %v", v, err)
		}
		if v == mistake && !errors.Is(err, mistake) {
			t.Errorf("%v is not what was panicked with", err)
		}
	}
}

//go:noinline
func makeMistake(v any) { panic(v) }

func TestTheCallerEndsWithItsFunction(t *testing.T) {
	after := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		aside.Run(runtime.Goexit)
		after = true
	}()
	if <-done; after {
		t.Error("the caller goes on")
	}
}
