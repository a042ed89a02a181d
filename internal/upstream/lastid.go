package upstream

import (
	"net/http"
	"slices"
	"strings"
)

// idNames are the query parameters in which a client may send its last event id instead of the header. They
// are in lower case, because clients spell them differently.
var idNames = []string{"lasteventid", "last_event_id", "last-event-id"}

// splitID removes the client's last event id from its request, and returns it and the query without it. The
// header has priority over the query. Of several, the last one that is not empty is used: code that adds an id
// to a URL knows a newer one.
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

// LastEventID returns the id of the event that a client has seen last; empty: it has none.
func LastEventID(r *http.Request) string {
	id, _ := splitID(r)
	return id
}

// dropID removes the client's last event id from a query.
func dropID(query string) string { return dropFromQuery(query, isIDName) }

func isIDName(name string) bool { return slices.Contains(idNames, strings.ToLower(name)) }
