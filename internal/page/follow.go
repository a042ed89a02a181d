package page

import "github.com/sse-bridge/caddy-sse-bridge/internal/value"

// Follow is a request that an answer calls for.
type Follow struct {
	// When are the conditions of which one must hold for an item, ignored or not; in an answer without items, for
	// the body. Empty: each item calls for it, or with Once each answer that has items.
	When []value.Condition
	Once bool
}

// Followed is one time that an answer calls for a request.
type Followed struct {
	N    int    // which of Config.Follow
	Item []byte // nil if it is about the whole answer
}

// followed returns what the answer calls for, in the order of its items.
func (rd *reading) followed() (all []Followed) {
	follow := rd.reader.config.Follow
	if len(follow) == 0 {
		return nil
	}
	items := rd.taken
	if items == nil && !rd.body.empty() {
		items = []*item{{raw: rd.body.text, json: rd.body.json}}
	}
	for _, it := range items {
		for n, f := range follow {
			if f.When != nil && rd.calls(f.When, it) || f.When == nil && !f.Once && rd.taken != nil {
				all = append(all, Followed{n, it.text()})
			}
		}
	}
	for n, f := range follow {
		if f.When == nil && f.Once && rd.taken != nil {
			all = append(all, Followed{N: n})
		}
	}
	return all
}

// calls reports whether one of the conditions holds for an item. One that looks into JSON says nothing of an item
// that is none.
func (rd *reading) calls(conditions []value.Condition, it *item) bool {
	rd.env.Item = it.text()
	defer func() { rd.env.Item = nil }()
	for _, c := range conditions {
		if (it.json || !c.NeedsJSON()) && c.Holds(it.text(), rd.env) {
			return true
		}
	}
	return false
}
