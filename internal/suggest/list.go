package suggest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/shape"
)

// cursorNames are what the parameter is called by which one asks for what came later; the common names first.
var cursorNames = []string{
	"since", "lastId", "after", "last_id", "since_id", "cursor", "offset", "from", "start", "after_id", "min_id", "last", "lastid",
	"last_event_id", "ending_before", "index",
}

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

// listBlock writes what makes events of the items of a list.
func (f *findings) listBlock(ctx context.Context, b *Block) error {
	l, o := f.list, f.list.order()
	c, err := f.findCursor(ctx, o)
	if err != nil {
		return err
	}
	holds := false
	if c != nil {
		if holds, err = f.holds(ctx, c, o); err != nil {
			return err
		}
	}
	f.pace(b, holds)
	f.public(b)
	skip := ""
	if c != nil {
		skip = c.name
	}
	b.fixed(f.URL, skip)
	f.format(b)
	f.itemLines(b, o)
	if c == nil {
		f.withoutCursor(b, o)
		return nil
	}
	if o.newestFirst && o.sorted {
		b.add(o.why, "order", "newest_first")
	}
	if c.from != "" {
		b.add("the position, which the endpoint gives with each answer", "cursor", c.from)
	}
	sent := "{sse.cursor}"
	if c.next {
		sent = "{sse.cursor+1}"
	}
	b.add(c.why, "query", c.name, sent)
	if c.given != "" {
		b.add("who comes without an id asks as the URL does", "start", c.given)
	}
	for _, name := range []string{"has_more", "hasMore", "more"} {
		if v := gjson.GetBytes(f.found.Body, name); v.IsBool() && l.config.Format == "" {
			b.add("there is more to read at once", "more", name)
			break
		}
	}
	return nil
}

// pace writes how often the endpoint is asked.
func (f *findings) pace(b *Block, holds bool) {
	h := f.first.Header
	every, err := strconv.Atoi(h.Get("X-Poll-Interval"))
	switch {
	case holds:
		b.add("it held a request for which there was no news", "long_poll")
	case err == nil && every > 0:
		b.add("what its X-Poll-Interval asks for", "interval", fmt.Sprintf("%ds", every))
	case slices.Equal(f.formatWords(), []string{"feed"}):
		b.add("feeds change seldom: every minute, and every ten while nothing happens", "interval", "1m", "10m")
	default:
		b.add("it answers at once: every 2s, and every 10s while nothing happens", "interval", "2s", "10s")
	}
}

func (f *findings) formatWords() []string {
	if f.list == nil {
		return nil
	}
	return f.list.format
}

// format writes the format, where JSON is not what the answer is.
func (f *findings) format(b *Block) {
	if words := f.formatWords(); words != nil {
		b.add("the answer is "+map[string]string{
			"feed": "a feed (RSS, Atom or JSON Feed): each entry is an event", "xml": "XML, which is read like JSON",
			"csv": "a table: each row is an event", "lines": "lines of JSON: each is an event",
		}[words[0]], append([]string{"format"}, words...)...)
	}
}

// itemLines writes where the items are, and what of them is what.
func (f *findings) itemLines(b *Block, o order) {
	l := f.list
	if l.path != "" {
		b.add(fmt.Sprintf("each of its %d objects is an event", len(l.items)), "items", l.path)
	}
	why := fmt.Sprintf("each item has one of its own, such as %q", strings.ReplaceAll(l.ids()[0], "\n", " "))
	if o.why != "" && !o.newestFirst {
		why += "; " + o.why
	}
	b.add(why, "id", l.id)
	if name := l.typeName(); name != "" {
		b.add("names kinds of items, for addEventListener", "event", name)
	}
}

var kind = regexp.MustCompile(`^[A-Za-z][\w.:/-]{0,60}$`)

// typeName finds what says of which kind an item is.
func (l *list) typeName() string {
	for _, name := range []string{"type", "event", "action", "kind", "eventType", "event_type"} {
		if !slices.ContainsFunc(l.items, func(it gjson.Result) bool {
			v := it.Get(name)
			return v.Type != gjson.String || !kind.MatchString(v.Str)
		}) {
			return name
		}
	}
	return ""
}

// withoutCursor writes how news are told from the rest where the endpoint always answers the same list.
func (f *findings) withoutCursor(b *Block, o order) {
	const none = "no parameter was found by which the endpoint answers with news alone"
	switch {
	case o.newestFirst:
		b.add(o.why+"; "+none, "order", "newest_first")
	case o.numbers:
		b.add("ids grow; "+none, "order", "by_id")
	case slices.Equal(f.formatWords(), []string{"feed"}):
		b.add("feeds begin with the newest entry", "order", "newest_first")
	default:
		b.add("what was sent is dropped by its id; "+none, "order", "overlap")
	}
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

// position returns the parameter of the URL that is a position, by its name; empty for none.
func (e *Endpoint) position() string {
	for name, value := range parameters(e.URL.RawQuery) {
		if value != "" && isPosition(name) {
			return name
		}
	}
	return ""
}

func isPosition(name string) bool {
	return likeCursor.MatchString(name) || slices.ContainsFunc(cursorNames, func(known string) bool { return strings.EqualFold(known, name) })
}

var likeCursor = regexp.MustCompile(`(?i)(last|since|after|cursor|offset)`)

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
			c.next, c.why = true, fmt.Sprintf("?%s=%s begins with that item, so that the next number is asked for", name, pivot)
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
					why := fmt.Sprintf("?%s= with it brings nothing that was there before", name)
					return &cursor{name: name, from: p.Path, given: f.URL.Query().Get(name), why: why}, nil
				}
			}
		}
	}
	return nil, nil // there is none
}

// noItems reports whether an answer has the list, and nothing in it.
func (f *findings) noItems(a answer) bool {
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
