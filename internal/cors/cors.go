// Package cors decides which other origins may read streams.
package cors

import (
	"net/http"
	"slices"
	"strings"
)

// Origins are the origins that may read streams from a browser (the Fetch standard, section 3.3). An empty
// list grants nothing.
type Origins []string

// Grant lets the browser of an allowed origin read the answer. Credentials are allowed, except with `*`. The
// origin "null" is never allowed, because any sandboxed document has it.
func (o Origins) Grant(header http.Header, r *http.Request) bool {
	if len(o) == 0 {
		return false
	}
	if o.any() {
		header.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "null" || len(r.Header.Values("Origin")) != 1 || !slices.Contains(o, origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	return true
}

// methods are those of requests that may get a stream.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost}

// Preflight answers a browser's preflight request if its origin is allowed, and if what it asks for may become a stream. The
// upstream answers all others: it may allow more methods.
func (o Origins) Preflight(w http.ResponseWriter, r *http.Request) bool {
	method := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || !slices.Contains(methods, method) || !o.Grant(w.Header(), r) {
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
		header.Set("Access-Control-Allow-Headers", wanted)
	}
	header.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (o Origins) any() bool { return slices.Equal(o, []string{"*"}) }
