package suggest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// maxAsked bounds the requests that try parameters.
const maxAsked = 20

// candidates are the parameters to try: those of the body and the URL that are called like a position, then others. A
// request that has a body is a call, which knows no parameters but its own.
func (f *findings) candidates(first ...string) []string {
	own := f.bodyPositions()
	for name := range parameters(f.URL.RawQuery) {
		if isPosition(name) {
			own = append(own, name)
		}
	}
	all := slices.Concat(own, first, cursorNames)
	if f.Body != "" {
		all = own
	}
	seen := make(map[string]bool)
	return slices.DeleteFunc(all, func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}

// findCursor tries parameters until the answer to one is what came after an item; nil if none does. Where the ids may fall by chance, such
// an answer shows that they do not.
func (f *findings) findCursor(ctx context.Context, o order) (*cursor, error) {
	if f.counts() {
		return nil, nil // there is none
	}
	ids := f.list.ids()
	if o.newestFirst || o.mayFall {
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
		c := &cursor{name: name, given: f.given(name)}
		if len(after) == 0 && (a.quiet() || f.noItems(a)) {
			if before, err := f.isBefore(ctx, name, pivot); err != nil || !before {
				if err != nil {
					return nil, err
				}
				continue
			}
			c.why = fmt.Sprintf("%s=%s brings nothing, since there is nothing after it", name, pivot)
			return c, nil
		}
		got, ok := f.list.idsIn(a.Response)
		if !ok || a.held || len(got) == 0 || overlap(got, before) || len(before) == 0 && len(after) == 0 {
			continue
		}
		if isCount(name, ids, slices.Contains(got, pivot)) {
			continue
		}
		switch {
		case contains(got, after) && !slices.Contains(got, pivot) && len(after) > 0:
			c.why = fmt.Sprintf("%s=%s brings what comes after that item", name, pivot)
			return c, nil
		case contains(got, after) && slices.Contains(got, pivot) && len(before) > 0 && o.numbers:
			c.next, c.why = true, fmt.Sprintf("%s=%s begins with that item, so the next number is requested", name, pivot)
			return c, nil
		}
	}
	return f.bodyCursor(ctx)
}

// isBefore reports whether the only item comes back if what is asked by is less than its number: where it does not, a
// parameter counts items, and is no position. An id that is no number shows it by another one, which nothing has: where
// that brings nothing either, the parameter may want a time.
func (f *findings) isBefore(ctx context.Context, name, id string) (bool, error) {
	const nobodys = "!" // and stands before all others
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 {
		a, err := f.ask(ctx, f.Hold, name, nobodys)
		return err == nil && !a.quiet() && !f.noItems(a), err
	}
	a, err := f.ask(ctx, f.Hold, name, strconv.FormatInt(n-1, 10))
	if err != nil {
		return false, err
	}
	got, ok := f.list.idsIn(a.Response)
	return ok && slices.Contains(got, id), nil
}

// isCount reports whether a parameter that is called so may count items: if these are numbered from the first on, what
// comes after so many is what comes after that number. begins says that the item itself came too.
func isCount(name string, ids []string, begins bool) bool {
	if !slices.Contains([]string{"offset", "start", "from", "index", "skip"}, name) {
		return false
	}
	first := 1
	if begins {
		first = 0
	}
	has := make(map[string]bool, len(ids))
	for _, id := range ids {
		has[id] = true
	}
	for n := range ids {
		if !has[strconv.Itoa(first+n)] {
			return false
		}
	}
	return true
}

// bodyCursorNames are what a position is called in an answer, and the parameters it goes back by.
var bodyCursorNames = []struct {
	names      []string
	parameters []string
	opaque     bool // it counts nothing: what it leads to shows whether that is news, or the next page
}{
	{[]string{"next_batch", "last_seq", "nextSyncToken", "sync_token", "syncToken"}, []string{"since", "syncToken", "sync_token"}, true},
	{[]string{"next_cursor", "nextCursor", "cursor"}, []string{"cursor", "since", "after"}, true},
	{[]string{"nextPageToken", "newStartPageToken", "next_page_token"}, []string{"pageToken", "page_token"}, false},
	{[]string{"last_id", "lastId", "max_id", "latest", "position", "offset", "version", "seq", "ts", "timestamp", "next", "since"}, nil, false},
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
			names := f.candidates(append([]string{p.Key}, known.parameters...)...)
			for _, name := range names[:min(len(names), 5)] {
				if f.asked > maxAsked {
					return nil, nil // there is none
				}
				a, err := f.ask(ctx, f.Hold, name, p.Value.String())
				if err != nil {
					return nil, err
				}
				follows, held := f.none(a), false
				if !follows && known.opaque {
					if follows, held, err = f.leadsOn(ctx, name, p, a); err != nil {
						return nil, err
					}
				}
				if follows {
					why := fmt.Sprintf("%s= with it brings only new items", name)
					return &cursor{name: name, from: p.Path, given: f.given(name), held: held, why: why}, nil
				}
			}
		}
	}
	return nil, nil // there is none
}

// none reports whether an endpoint says, by an answer, that there is nothing after the position that was asked for.
func (f *findings) none(a reply) bool {
	return a.quiet() || f.slow(a) && !f.slow(f.first) || f.noItems(a)
}

// leadsOn reports whether an answer to a position, which has items, is what came after it: the endpoint is busy. It has another position,
// and none of the items of before; and it was held for them, twice in succession, or what is asked for after them is not there yet.
// The next page of a list is answered at once, and the last one leads nowhere.
func (f *findings) leadsOn(ctx context.Context, name string, position shape.Place, a reply) (follows, held bool, err error) {
	const most = 3 // answers
	at, before, times := position.Value.String(), f.first, 0
	for range most {
		next := gjson.GetBytes(a.Body, position.Path).String()
		if a.Status/100 != 2 || next == "" || next == at || !f.isOther(before, a) {
			break
		}
		if a.took < 250*time.Millisecond || a.took < 5*f.first.took {
			times = 0
		} else if times++; times == 2 {
			return true, true, nil
		}
		after, err := f.ask(ctx, f.Hold, name, next)
		if err != nil {
			return false, false, err
		}
		if f.none(after) {
			return !f.noItems(after) || gjson.GetBytes(after.Body, position.Path).String() == next, false, nil
		}
		at, before, a = next, a, after
	}
	return false, false, nil
}

// isOther reports whether an answer has items, and none of those of another one.
func (f *findings) isOther(before, now reply) bool {
	path := ""
	if l, ok := f.onlyList(); ok {
		path = l.Path
	} else if f.list != nil && f.list.format == nil {
		path = f.list.path
	}
	had, has := gjson.GetBytes(before.Body, path), gjson.GetBytes(now.Body, path)
	if path == "" || !had.IsArray() || !has.IsArray() || len(has.Array()) == 0 {
		return false
	}
	old := make(map[string]bool)
	for _, it := range had.Array() {
		old[it.Raw] = true
	}
	return !slices.ContainsFunc(has.Array(), func(it gjson.Result) bool { return old[it.Raw] })
}

// noItems reports whether an answer has the list, and nothing in it.
func (f *findings) noItems(a reply) bool {
	if a.Status/100 != 2 {
		return false
	}
	if f.list == nil { // or one of texts, or of what else is no object
		l, ok := f.onlyList()
		now := gjson.GetBytes(a.Body, l.Path)
		return ok && len(l.Value.Array()) > 0 && now.IsArray() && len(now.Array()) == 0
	}
	found := explain(f.list.config, a.Response)
	if f.list.path == "" {
		return found.Items == 0 && found.Err == nil
	}
	return found.JSON && found.Items == 0
}

// holds reports whether the endpoint holds a request from the newest position.
func (f *findings) askForNone(ctx context.Context, c *cursor, o order) (reply, error) {
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
	return f.ask(ctx, f.Hold, c.name, at)
}

// saysNone reports whether some answer with a status that there is nothing new.
func saysNone(status int) bool {
	return slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusRequestedRangeNotSatisfiable}, status)
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
