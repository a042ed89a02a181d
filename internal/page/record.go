package page

import (
	"slices"
	"strings"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// bookmark returns the page of a record that has only fields: it may move the cursor.
func (rd *reading) bookmark() Page {
	p := Page{Next: rd.from}
	next := rd.cursor()
	if id := rd.look(rd.reader.config.ID, nil); rd.reader.source == fromItems && present(id) {
		next = position.Cursor{string(id)}
	}
	if !next.Equal(rd.from.Cursor) {
		p.News, p.Next = true, rd.border(next)
	}
	return p
}

// notice returns the page of an event by which another bridge speaks of itself. Events that it could not give
// are lost here too.
func (rd *reading) notice(name string) Page {
	if strings.TrimPrefix(name, Reserved) == "reset" {
		return Page{News: true, Lost: true, Next: rd.from}
	}
	return rd.bookmark()
}

// below reports whether the first id that comes after a poll from a number is a lower one: the upstream counts
// anew.
func (rd *reading) below(items []item) bool {
	if rd.reader.source != fromItems || rd.reader.config.Order == Overlap || rd.from.Cursor.IsZero() {
		return false
	}
	at, numbered := parseInteger(rd.from.Cursor[0])
	i := slices.IndexFunc(items, func(it item) bool { return it.id != "" })
	if !numbered || i < 0 {
		return false
	}
	id, numbered := parseInteger(items[i].id)
	return numbered && id.compare(at) < 0
}

// repeated is resume for the items of a record: some upstreams begin with the item whose id they were asked
// by.
func (rd *reading) repeated(w *walk) (c came) {
	cursor := rd.from.Cursor[0]
	if w.numbers && cursor != "" {
		c = rd.resumeAtID(w)
		c.lost = c.lost && rd.fresh && !rd.met
		return c
	}
	if !rd.fresh {
		return came{}
	}
	for c.done < len(w.items) && w.items[c.done].id == cursor {
		c.done++
	}
	c.skipped = c.done
	c.lost = rd.reader.config.Order == Overlap && !rd.met && c.done == 0 && w.items[0].id != ""
	return c
}
