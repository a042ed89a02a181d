package trial

import (
	"fmt"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// Unsent finds the items of answers that the order takes for old, though the answer before did not have them: clients
// never get them. The zero value has seen no answer.
type Unsent struct {
	before []string // the ids of the answer before
}

// Note takes the next answer of the polls that follow each other, and returns the id of such an item; empty: there is
// none. Where an item has gone since the answer before, the list may be a window that has moved back, and what is new
// in it may be old.
func (u *Unsent) Note(e Evidence) string {
	if e.Err != nil || e.Document || e.Config.Order == "" || len(e.Found.Keys) == 0 {
		return ""
	}
	before := u.before
	u.before = e.Found.Keys
	if len(before) == 0 {
		return ""
	}
	now, was := set(u.before), set(before)
	if slices.ContainsFunc(before, func(id string) bool { return !now[id] }) {
		return ""
	}
	for _, id := range u.before[:min(e.Page.Skipped, len(u.before))] {
		if id != "" && !was[id] {
			return id
		}
	}
	return ""
}

func set(ids []string) map[string]bool {
	all := make(map[string]bool, len(ids))
	for _, id := range ids {
		all[id] = true
	}
	return all
}

// unsent explains an item that no client gets.
func unsent(e Evidence) string {
	if e.Unsent == "" {
		return ""
	}
	never := fmt.Sprintf("the item %s is new and was never sent: ", clip(oneLine(e.Unsent)))
	const anywhere = ", or diff items in the place of order if new items come anywhere"
	switch e.Config.Order {
	case page.NewestFirst:
		return never + "it stands behind items that were. Is the list newest first? Write order overlap if new items come last, order by_id if ids are numbers that grow" + anywhere
	case page.ByID:
		return never + "an item with a higher id was. Do ids grow? Write order newest_first if new items come first, order overlap if they come last" + anywhere
	}
	return never + "it stands before items that were. Is the list oldest first? Write order newest_first if new items come first, order by_id if ids are numbers that grow" + anywhere
}
