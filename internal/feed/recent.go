package feed

import (
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// recent are the ids of the items that a session has brought last, which may come again if they were not
// acknowledged. Only the poller uses it.
type recent struct {
	known map[string]bool
	order []string
}

// drop takes the items off a page that came before, and keeps the ids of the others: as many as a log has events.
// The page ends with the last of those that are left, or at the position from before it: the id of an item that came
// again names its first place alone.
func (r *recent) drop(p page.Page, from position.Position, keep int) page.Page {
	if r.known == nil {
		r.known = make(map[string]bool)
	}
	came := len(p.Events)
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
	switch left := len(p.Events); {
	case left == came:
	case left > 0:
		p.Next = p.Events[left-1].At
	default:
		p.Next = from
	}
	for len(r.order) > keep {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
	return p
}

// forget forgets all ids.
func (r *recent) forget() { *r = recent{} }
