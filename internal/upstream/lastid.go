package upstream

import (
	"net/http"
	"slices"
	"strings"
)

// idNames are where a client may give the event id that it has seen last, beside the header, in
// lower case: clients spell them in their own ways.
var idNames = []string{"lasteventid", "last_event_id", "last-event-id"}

// splitID takes the event id that the client has seen last from its request, and returns the
// query without it. The header is before the query, and of several the last one counts that is not
// empty: who adds one to a URL that has one knows more.
func splitID(r *http.Request) (id, query string) {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, text, _ := strings.Cut(pair, "="); text != "" && isIDName(unescaped(name)) {
			id = unescaped(text)
		}
	}
	for _, line := range r.Header.Values("Last-Event-ID") {
		if line != "" {
			id = line
		}
	}
	return id, dropID(r.URL.RawQuery)
}

// dropID drops the event id that the client has seen last from a query.
func dropID(query string) string { return dropFromQuery(query, isIDName) }

func isIDName(name string) bool { return slices.Contains(idNames, strings.ToLower(name)) }
