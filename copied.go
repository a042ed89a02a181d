package ssebridge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// alikeFields are those that a request and the answer to another may both have, with the same value.
var alikeFields = []string{"Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Pragma", "Vary", "Via"}

// copiedFields returns the header fields of a request that a forward_auth in front has copied from its
// answer, and that polls do not have: they are anonymous where a plain request is not.
func copiedFields(plan *compiled, r *http.Request) (names []string) {
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if _, asked := repl.Get("http.reverse_proxy.status_code"); !asked {
		return nil
	}
	own := plan.owns()
	for name, values := range r.Header {
		answered, _ := repl.GetString("http.reverse_proxy.header." + name)
		if answered == "" || answered != strings.Join(values, ",") || slices.Contains(own.headers, name) || slices.Contains(alikeFields, name) || plan.wants.header(name) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// header reports whether the upstream's handlers take a header field of the client.
func (w wants) header(name string) bool {
	return slices.Contains(w.carried, name) || slices.ContainsFunc(w.placeholders, func(placeholder string) bool {
		header, ok := headerIn(placeholder)
		return ok && header == name
	})
}

// hintCopied says once in the bridge's life what polls lack of what a forward_auth in front says.
func (b *bridge) hintCopied(r *http.Request) {
	if b.copiedTold.Load() {
		return
	}
	if names := copiedFields(b.plan, r); len(names) > 0 && b.copiedTold.CompareAndSwap(false, true) {
		b.logger.Warn("forward_auth in front sets header fields that polls do not have, so that they are anonymous where plain requests are not: `header_up "+
			names[0]+" {header."+names[0]+"}` gives them one", zap.String("bridge", b.name), zap.Strings("headers", names))
	}
}
