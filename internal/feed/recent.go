package feed

import (
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// recent are the ids of the items that a session has brought last, which may come again if they were not
// acknowledged. Only the poller uses it.
type recent struct {
	known map[string]bool
	order []string
}

// drop takes the items off a page that came before, and keeps the ids of the others: as many as a log has events.
func (r *recent) drop(p page.Page, keep int) page.Page {
	if r.known == nil {
		r.known = make(map[string]bool)
	}
	p.Events = slices.DeleteFunc(p.Events, func(e page.Event) bool {
		switch {
		case e.Key == "":
			return false
		case r.known[e.Key]:
			return true
		}
		r.known[e.Key] = true
		r.order = append(r.order, e.Key)
		return false
	})
	for len(r.order) > keep {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
	return p
}

// forget forgets all ids.
func (r *recent) forget() { *r = recent{} }
