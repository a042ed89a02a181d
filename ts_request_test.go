package ssebridge

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// change makes a client's request another.
type change func(r *http.Request)

func header(name string, lines ...string) change {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = lines }
}

func withVar(name string, v any) change {
	return func(r *http.Request) { caddyhttp.SetVar(r.Context(), name, v) }
}

// clientRequest is a client's request as Caddy hands it to a handler.
func clientRequest(method, target, body string, changes ...change) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), &caddyhttp.Server{})
	for _, c := range changes {
		c(r)
	}
	return r
}

// textIn returns what a handler of the upstream makes of a text with placeholders.
func textIn(poll *http.Request, text string) string {
	return replacerOf(poll).ReplaceKnown(text, "")
}

func replacerOf(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}

// nosy is the header of a client that sends all it has.
func nosy() http.Header {
	h := make(http.Header)
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Age", "Baggage", "Cache-Control", "Cf-Connecting-Ip", "Connection", "Content-Length",
		"Date", "Dnt", "Early-Data", "Expect", "Forwarded", "From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
		"Keep-Alive", "Last-Event-Id", "Max-Forwards", "Origin", "Pragma", "Prefer", "Priority", "Proxy-Authorization", "Proxy-Connection", "Range",
		"Referer", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Te", "Traceparent", "Trailer", "Transfer-Encoding", "True-Client-Ip", "Upgrade",
		"Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Api-Key", "X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
		"X-Http-Method-Override", "X-Original-Url", "X-Real-Ip", "X-Requested-With", "X-Rewrite-Url", "X-Secret",
	} {
		h.Set(name, "canary")
	}
	h.Set("Authorization", "Bearer a")
	h.Set("Cookie", "sid=1; theme=dark")
	h.Set("Accept-Language", "de, en;q=0.5")
	return h
}

// local makes a request one that has arrived at an address.
func local(addr string) change {
	return func(r *http.Request) {
		at, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			panic(err)
		}
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
	}
}
