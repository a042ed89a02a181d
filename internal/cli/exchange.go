package cli

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// exchanged is one request that went through the routes of an upstream, and what came back.
type exchanged struct {
	which    upstream.Kind
	asked    *http.Request
	body     []byte
	to       string // the address that reverse_proxy chose
	took     time.Duration
	response *page.Response // nil where none came
	err      error
}

func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// answered notes the answer of the routes.
func (e *exchanged) answered(a *upstream.Answer, err error) {
	var failed caddyhttp.HandlerError
	switch {
	case errors.As(err, &failed) && a.Status == 0 && failed.StatusCode != http.StatusBadGateway && failed.StatusCode != http.StatusGatewayTimeout && failed.StatusCode != 0:
		e.response = &page.Response{Status: failed.StatusCode, Header: a.Fields}
	case err != nil:
		e.err = err
	default:
		resp, err := a.Response()
		if e.err = err; err == nil {
			e.response = &resp
		}
	}
}
