package upstream

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// alikeFields are the fields that a request and the answer to another request may both have with the same
// value.
var alikeFields = []string{"Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Pragma", "Vary", "Via"}

// CopiedFields returns the header fields that a forward_auth in front has copied from its answer into a
// request, and that polls do not send. Without them, polls are anonymous.
func CopiedFields(plan *config.Plan, r *http.Request) (names []string) {
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if _, asked := repl.Get("http.reverse_proxy.status_code"); !asked {
		return nil
	}
	own := plan.OwnHeaders()
	for name, values := range r.Header {
		answered, _ := repl.GetString("http.reverse_proxy.header." + name)
		if answered == "" || answered != strings.Join(values, ",") || slices.Contains(own, name) || slices.Contains(alikeFields, name) || plan.Wants.Header(name) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
