package cli

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
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
	sent     time.Time
	took     time.Duration
	response *page.Response // nil where none came
	unended  bool           // the response is only the beginning of one
	goesOn   bool           // it is the head of one that goes on
	err      error
}

// came notes that something has come from the upstream.
func (e *exchanged) came() {
	e.took = time.Since(e.sent)
	if repl, ok := e.asked.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		e.to, _ = repl.GetString("http.reverse_proxy.upstream.hostport")
	}
}

// answered notes the answer of the routes.
func (e *exchanged) answered(a *upstream.Answer, err error) {
	e.came()
	var failed caddyhttp.HandlerError
	switch {
	case errors.As(err, &failed) && a.Status == 0 && failed.StatusCode != http.StatusBadGateway && failed.StatusCode != http.StatusGatewayTimeout && failed.StatusCode != 0:
		e.response = &page.Response{Status: failed.StatusCode, Header: a.Fields}
	case err != nil && a.Status != 0:
		e.err, e.unended = err, true
		resp, _ := a.Response() // as far as it can be decoded
		resp.Status, resp.Header = a.Status, a.Fields
		e.response = &resp
	case err != nil:
		e.err = err
	default:
		resp, err := a.Response()
		if e.err = err; err == nil {
			e.response = &resp
		}
	}
}
