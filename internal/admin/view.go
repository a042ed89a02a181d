package admin

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
)

// view is which feeds an answer lists, and in which order.
type view struct {
	offset, limit int
	order         func(a, b *bridge.Report) int // nil: by urgency
	words         []string                      // all of them are somewhere in what is known of a feed
}

// orders are the values of ?sort=, with how each compares two feeds. What has the most comes first.
var orders = map[string]func(a, b *bridge.Report) int{
	"urgency": bridge.ByUrgency,
	"request": func(a, b *bridge.Report) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	},
	"clients":   func(a, b *bridge.Report) int { return cmp.Compare(b.Clients, a.Clients) },
	"events":    func(a, b *bridge.Report) int { return cmp.Compare(b.Events, a.Events) },
	"errors":    func(a, b *bridge.Report) int { return cmp.Compare(b.Errors, a.Errors) },
	"polls":     func(a, b *bridge.Report) int { return cmp.Compare(b.Polls, a.Polls) },
	"log_bytes": func(a, b *bridge.Report) int { return cmp.Compare(b.LogBytes, a.LogBytes) },
	"last_poll": func(a, b *bridge.Report) int { return polledAt(b).Compare(polledAt(a)) },
	"since":     func(a, b *bridge.Report) int { return b.Since.Compare(a.Since) },
}

// newView reads the parameters limit, offset, sort and filter. The limit is by default the first number, and at most the second.
func newView(query url.Values, otherwise, most int) (v view, err error) {
	if v.limit, err = numberIn(query, "limit", otherwise, most); err != nil {
		return view{}, err
	}
	if v.offset, err = numberIn(query, "offset", 0, maxListed); err != nil {
		return view{}, err
	}
	v.words = strings.Fields(strings.ToLower(query.Get("filter")))
	name, backwards := strings.CutPrefix(query.Get("sort"), "-")
	if name == "" || name == "urgency" && !backwards {
		return v, nil
	}
	order := orders[name]
	if order == nil {
		return view{}, fmt.Errorf("sort: %q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(orders)), ", "))
	}
	v.order = func(a, b *bridge.Report) int {
		if backwards {
			a, b = b, a
		}
		return order(a, b)
	}
	return v, nil
}

// numberIn reads a parameter that is a number from 0 to a maximum.
func numberIn(query url.Values, name string, otherwise, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s: it must be a number from 0 to %d", name, most)
	}
	return n, nil
}

// of returns what the view shows of all feeds, which are sorted by urgency and are not changed, and how many match.
func (v view) of(all []bridge.Report) (shown []bridge.Report, matching int) {
	some := make([]*bridge.Report, 0, len(all))
	for i := range all {
		if v.matches(&all[i]) {
			some = append(some, &all[i])
		}
	}
	if v.order != nil {
		slices.SortStableFunc(some, v.order)
	}
	from := min(v.offset, len(some))
	shown = []bridge.Report{}
	for _, r := range some[from:min(from+v.limit, len(some))] {
		shown = append(shown, *r)
	}
	return shown, len(some)
}

// matches reports whether all words are in what the page shows of a feed.
func (v view) matches(r *bridge.Report) bool {
	if len(v.words) == 0 {
		return true
	}
	parts := []string{string(r.State), r.Reason, r.Method, r.Host + r.Path, r.Bridge, r.ID, r.Polled, r.PolledBy, r.AloneBecause}
	for _, names := range [][]string{r.Query, r.Headers, r.Cookies, r.Vars, r.Placeholders, r.Also} {
		parts = append(parts, names...)
	}
	for _, w := range r.Warnings {
		parts = append(parts, w.ID, w.Text)
	}
	text := strings.ToLower(strings.Join(parts, "\n"))
	return !slices.ContainsFunc(v.words, func(word string) bool { return !strings.Contains(text, word) })
}

// polledAt is when the last poll that has ended was sent; the zero time if there was none.
func polledAt(r *bridge.Report) time.Time {
	if r.LastPoll == nil {
		return time.Time{}
	}
	return r.LastPoll.At
}
