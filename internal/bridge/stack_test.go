//go:build !race

package bridge_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testbridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestAWaitingStreamTakesNoMoreStackThanAnyHandlerThatWrites measures the stacks of handlers that wait for events below the frames of
// Caddy and of Go's HTTP/2. An event has come to them. Those of a handler that writes a header and waits have 8 KiB.
func TestAWaitingStreamTakesNoMoreStackThanAnyHandlerThatWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testsite.NewChat(time.Minute)
		h := testbridge.Chat(t, c)
		each := stackOfEach(t, func(w http.ResponseWriter, r *http.Request) {
			if err := h.Bridge.Serve(w, r); err != nil {
				t.Error(err)
			}
		}, func() { c.Say("one") })
		if each > 10<<10 {
			t.Errorf("a waiting stream takes %d bytes of stack", each)
		}
		testbridge.End(t, h.Bridge)
	})
}

// stackOfEach returns how many bytes of stack a waiting handler takes, after something has happened.
func stackOfEach(t *testing.T, handle http.HandlerFunc, happens func()) int {
	const handlers = 200
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	before := stacks()
	for range handlers {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/messages", nil)
		r.Header.Set("Accept", "text/event-stream")
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server))
		all.Go(func() { inFront(func() { handle(w, r) }) })
	}
	testbridge.Pass(time.Second)
	happens()
	testbridge.Pass(time.Second)
	each := (stacks() - before) / handlers
	cancel()
	all.Wait()
	return each
}

// stacks returns how many bytes the stacks of all goroutines take, once they are as small as they get.
func stacks() int {
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.StackInuse)
}

// inFront calls f with as much of the stack in use as the handlers in front of a stream use, of 8 KiB.
//
//go:noinline
func inFront(f func()) {
	var frames [5 << 10]byte
	f()
	runtime.KeepAlive(&frames)
}
