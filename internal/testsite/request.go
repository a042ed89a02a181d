package testsite

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

// Change makes a client's request another.
type Change func(r *http.Request)

func Header(name string, lines ...string) Change {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = lines }
}

func WithVar(name string, v any) Change {
	return func(r *http.Request) { caddyhttp.SetVar(r.Context(), name, v) }
}

// ClientRequest is a client's request as Caddy hands it to a handler.
func ClientRequest(method, target, body string, changes ...Change) *http.Request {
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

// TextIn returns what a handler of the upstream makes of a text with placeholders.
func TextIn(poll *http.Request, text string) string {
	return ReplacerOf(poll).ReplaceKnown(text, "")
}

func ReplacerOf(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}

// Nosy is the header of a client that sends all it has.
func Nosy() http.Header {
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

// Local makes a request one that has arrived at an address.
func Local(addr string) Change {
	return func(r *http.Request) {
		at, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			panic(err)
		}
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
	}
}
