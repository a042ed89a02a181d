package suggest

import (
	"net/http"
	"slices"
)

// others says what other requests of visitors do where polls are calls: they reach the endpoint as they are.
func (b *Block) others() {
	if !slices.ContainsFunc(b.Lines, func(l Line) bool { return l.Text == "method "+http.MethodPost }) {
		return
	}
	b.Notes = append(b.Notes,
		"the endpoint also gets every other request of visitors to this path, with whatever call is in it, such as one that changes or stops",
		"something, even if it listens on loopback only. Require a login in front, such as `basic_auth`, or let only streams through: write",
		"`sse_bridge @read` in the place of `sse_bridge "+Quote(b.Path)+"`, and in the site:",
		"\t@read {",
		"\t\tpath "+Quote(b.Path),
		"\t\tmethod GET",
		"\t\theader Accept text/event-stream",
		"\t}",
	)
}
