package suggest

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// maxAsked bounds the requests that try parameters.
const maxAsked = 20

// cursor is how the position goes back to the endpoint.
type cursor struct {
	name  string // of the parameter
	from  string // the path in the answer's body; empty where it is the last item's id
	next  bool   // the id after it is asked for
	given string // what the URL has there
	why   string
}

// candidates are the parameters to try, those of the URL first.
func (f *findings) candidates(first ...string) []string {
	for name := range parameters(f.URL.RawQuery) {
		if isPosition(name) {
			first = append(first, name)
		}
	}
	seen := make(map[string]bool)
	return slices.DeleteFunc(append(first, cursorNames...), func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}

// findCursor tries parameters until the answer to one is what came after an item; nil if none does.
func (f *findings) findCursor(ctx context.Context, o order) (*cursor, error) {
	if left, err := strconv.Atoi(f.first.Header.Get("X-RateLimit-Remaining")); err == nil && left < 3*maxAsked || f.first.Header.Get("X-GitHub-Media-Type") != "" {
		return nil, nil // the endpoint counts requests: it is not asked in vain
	}
	ids := f.list.ids()
	if o.newestFirst {
		slices.Reverse(ids)
	}
	before, pivot, after := ids[:(len(ids)-1)/2], ids[(len(ids)-1)/2], ids[(len(ids)-1)/2+1:]
	for _, name := range f.candidates() {
		if f.asked > maxAsked {
			break
		}
		a, err := f.ask(ctx, f.Hold, name, pivot)
		if err != nil {
			return nil, err
		}
		if a.Status == 429 {
			break
		}
		c := &cursor{name: name, given: f.URL.Query().Get(name)}
		if len(after) == 0 && (a.quiet() || f.noItems(a)) {
			c.why = fmt.Sprintf("?%s=%s brings nothing, since there is nothing after it", name, pivot)
			return c, nil
		}
		got, ok := f.list.idsIn(a.Response)
		if !ok || a.held || len(got) == 0 || overlap(got, before) || len(before) == 0 && len(after) == 0 {
			continue
		}
		switch {
		case contains(got, after) && !slices.Contains(got, pivot) && len(after) > 0:
			c.why = fmt.Sprintf("?%s=%s brings what comes after that item", name, pivot)
			return c, nil
		case contains(got, after) && slices.Contains(got, pivot) && len(before) > 0 && o.numbers:
			c.next, c.why = true, fmt.Sprintf("?%s=%s begins with that item, so the next number is requested", name, pivot)
			return c, nil
		}
	}
	return f.bodyCursor(ctx)
}

// bodyCursorNames are what a position is called in an answer, and the parameters it goes back by.
var bodyCursorNames = []struct {
	names      []string
	parameters []string
}{
	{[]string{"next_batch", "last_seq", "nextSyncToken", "sync_token", "syncToken"}, []string{"since", "syncToken", "sync_token"}},
	{[]string{"next_cursor", "nextCursor", "cursor"}, []string{"cursor", "since", "after"}},
	{[]string{"nextPageToken", "newStartPageToken", "next_page_token"}, []string{"pageToken", "page_token"}},
	{[]string{"last_id", "lastId", "max_id", "latest", "position", "offset", "version", "seq", "ts", "timestamp", "next", "since"}, nil},
}

// bodyCursor tries the positions that the answer itself gives.
func (f *findings) bodyCursor(ctx context.Context) (*cursor, error) {
	if !f.found.JSON {
		return nil, nil // there is none
	}
	for _, p := range shape.Scalars(shape.Places(f.found.Body)) {
		for _, known := range bodyCursorNames {
			if !slices.Contains(known.names, p.Key) {
				continue
			}
			for _, name := range f.candidates(append([]string{p.Key}, known.parameters...)...)[:5] {
				if f.asked > maxAsked {
					return nil, nil // there is none
				}
				a, err := f.ask(ctx, f.Hold, name, p.Value.String())
				if err != nil {
					return nil, err
				}
				if a.quiet() || f.slow(a) && !f.slow(f.first) || a.Status/100 == 2 && f.list != nil && f.noItems(a) {
					why := fmt.Sprintf("?%s= with it brings only new items", name)
					return &cursor{name: name, from: p.Path, given: f.URL.Query().Get(name), why: why}, nil
				}
			}
		}
	}
	return nil, nil // there is none
}

// noItems reports whether an answer has the list, and nothing in it.
func (f *findings) noItems(a reply) bool {
	if a.Status/100 != 2 || f.list == nil {
		return false
	}
	found := explain(f.list.config, a.Response)
	if f.list.path == "" {
		return found.Items == 0 && found.Err == nil
	}
	return found.JSON && found.Items == 0
}

// holds reports whether the endpoint holds a request from the newest position.
func (f *findings) holds(ctx context.Context, c *cursor, o order) (bool, error) {
	ids := f.list.ids()
	at := ids[len(ids)-1]
	if o.newestFirst {
		at = ids[0]
	}
	if c.from != "" {
		at = gjson.GetBytes(f.found.Body, c.from).String()
	} else if c.next {
		at = next(at)
	}
	a, err := f.ask(ctx, f.Hold, c.name, at)
	return err == nil && (a.held || f.slow(a)), err
}

func next(number string) string {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return number
	}
	return strconv.FormatInt(n+1, 10)
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// contains reports whether all of b are in a.
func contains(a, b []string) bool {
	return !slices.ContainsFunc(b, func(s string) bool { return !slices.Contains(a, s) })
}
