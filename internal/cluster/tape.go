package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

const (
	// kept is for how long a page is kept, for chains that are a little behind.
	kept = 10 * time.Second
	// maxPages and maxTape bound what is kept, in pages and in bytes.
	maxPages = 64
	maxTape  = 1 << 20
)

// entry is what a poll of another node came to.
type entry struct {
	seq   uint64
	node  nodeID
	term  uint64
	told  uint64
	came  time.Time
	from  string
	to    string
	names []string // of the places after the events of its page
	marks []string // of the same, where places have several names; empty: it has none
	size  int
	heard []hearing
	what
}

// hears returns the number of the newest hello of a node that was heard before the poll was sent.
func (e *entry) hears(id nodeID) (asks uint64) {
	for _, h := range e.heard {
		if h.node == id {
			asks = max(asks, h.asks)
		}
	}
	return asks
}

// after reports whether an entry was told after another one, as far as is known.
func (e *entry) after(other *entry) bool {
	return e.term > other.term || e.node == other.node && e.term == other.term && e.told > other.told
}

// answer returns the entry for a chain.
func (e *entry) answer() feed.Answer {
	a := feed.Answer{Came: e.came, Told: feed.Told{To: e.at, Took: e.took, Failed: e.failed, Reset: e.reset}}
	if e.page != nil {
		a.Page = *e.page
	}
	return a
}

// rest returns what comes after so many events of the entry's page. What the page says of the place before it is no
// matter of theirs.
func (e *entry) rest(events int) feed.Answer {
	a := e.answer()
	a.Page.Lost, a.Page.Empty = false, false
	a.Mark, a.Page.Events = &a.Page.Events[events-1], a.Page.Events[events:]
	return a
}

// tape is the last pages that other nodes have told of.
type tape struct {
	entries []*entry // oldest first
	bytes   int
	from    map[string]*entry // the newest that begins at a place
	spots   map[string]spot
}

// spot is a place within a page.
type spot struct {
	entry  *entry
	events int // of the page before it
	times  int // that the tape has the place: if more than once, it means nothing
}

// add takes an entry in.
func (t *tape) add(e *entry) {
	if t.from == nil {
		t.from, t.spots = make(map[string]*entry), make(map[string]spot)
	}
	stale := false
	for _, old := range t.entries {
		switch newer := !old.after(e); {
		case newer && old.from == e.to && t.from[old.from] == old: // the poller has come back to that place
			delete(t.from, old.from)
		case !newer && old.to == e.from:
			stale = true
		}
	}
	t.entries, t.bytes = append(t.entries, e), t.bytes+e.size
	if !stale {
		t.from[e.from] = e
	}
	for _, names := range [...][]string{e.names, e.marks} {
		for i, name := range names {
			t.spots[name] = spot{e, i + 1, t.spots[name].times + 1}
		}
	}
	t.trim(e.came)
}

// trim drops what is too old, or too much.
func (t *tape) trim(now time.Time) {
	for len(t.entries) > 0 {
		e := t.entries[0]
		if len(t.entries) <= maxPages && t.bytes <= maxTape && now.Sub(e.came) < kept {
			return
		}
		t.entries[0], t.entries, t.bytes = nil, t.entries[1:], t.bytes-e.size
		if t.from[e.from] == e {
			delete(t.from, e.from)
		}
		for _, name := range slices.Concat(e.names, e.marks) {
			if s := t.spots[name]; s.times > 1 {
				s.times--
				t.spots[name] = s
			} else {
				delete(t.spots, name)
			}
		}
	}
	*t = tape{}
}

// clear drops all.
func (t *tape) clear() { *t = tape{} }

// find returns what comes after a place.
func (t *tape) find(at string) (e *entry, a feed.Answer, found bool) {
	if e := t.from[at]; e != nil && e.from == at {
		return e, e.answer(), true
	}
	if s, ok := t.spots[at]; ok && at != "" && s.times == 1 && s.entry.to != at {
		return s.entry, s.entry.rest(s.events), true
	}
	return nil, feed.Answer{}, false
}

// reaches reports whether a page leads to a place.
func (t *tape) reaches(to string) bool {
	return slices.ContainsFunc(t.entries, func(e *entry) bool { return e.to == to })
}

// namesOf returns the names of the places after the events of a page that was asked for from a place; empty for a
// place that has none. All that belongs to one request without a cursor has the request in its name.
func namesOf(p *page.Page, from string) []string {
	if p == nil {
		return nil
	}
	request := ""
	if i := strings.LastIndexByte(from, ' '); i >= 0 {
		request = from[i:]
	}
	names := make([]string, len(p.Events))
	for i := range p.Events {
		at := p.Events[i].At
		if names[i] = at.ID(); at.Cursor.IsZero() {
			names[i] += request
		}
	}
	return names
}
