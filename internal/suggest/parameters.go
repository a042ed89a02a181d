package suggest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// parameters are those of a query, in its order.
func parameters(query string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		if query == "" {
			return
		}
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if !yield(unescape(name), unescape(value)) {
				return
			}
		}
	}
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// cursorNames are what the parameter is called by which one asks for what came later; the common names first.
var cursorNames = []string{
	"since", "lastId", "after", "last_id", "min_id", "since_id", "cursor", "offset", "from", "start", "after_id", "last", "lastid",
	"last_event_id", "ending_before", "index",
}

var likeCursor = regexp.MustCompile(`(?i)(last|since|after|cursor|offset)`)

// isPosition reports whether a parameter of that name says where to go on.
func isPosition(name string) bool {
	return likeCursor.MatchString(name) || slices.ContainsFunc(cursorNames, func(known string) bool { return strings.EqualFold(known, name) })
}
