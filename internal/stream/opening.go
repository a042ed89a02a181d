package stream

import (
	"net/http"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/sse"
)

// opening returns what a stream begins with: how long its client waits before it comes back, and, if it resumes after the event
// with lastID and wants or needs it, an event with the same id.
func (a *Streams) opening(r *http.Request, lastID string, wait time.Duration) []byte {
	first := sse.AppendRetry(nil, wait)
	if lastID == "" || !a.starts && !keepsTornEvents(r.UserAgent()) {
		return first // the line belongs to the first event
	}
	return sse.AppendEvent(first, "bridge.start", []byte("{}"), lastID)
}

// keepsTornEvents reports whether a browser is a WebKit: it does not discard what a connection was cut off in, as section 9.2.6
// of the HTML standard says, and reads the beginning of the next stream as its continuation. An event that says nothing
// takes it. Chromium calls itself a WebKit too.
func keepsTornEvents(userAgent string) bool {
	return strings.Contains(userAgent, "AppleWebKit/") && !strings.Contains(userAgent, "Chrome/")
}
