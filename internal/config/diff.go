package config

import (
	"errors"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// The values of `diff`; the second one is that of `changed` too.
const (
	diffItems = "items"
	diffPatch = "json_patch"
)

// compileDiff checks `diff`, which makes a document or a set of each answer.
func (h *Config) compileDiff(c *Plan) error {
	switch {
	case h.Diff == "" && h.Changed != "":
		return wrong("changed", "it says how `diff items` sends a changed item: add `diff`, or remove it")
	case h.Diff == "":
		return nil
	case h.Diff != diffPatch && h.Diff != diffItems:
		return wrong("diff", "%q is unknown: use json_patch for a document, or items for a list", h.Diff)
	case h.Diff == diffPatch && !c.Reader.Document():
		return wrong("diff", "json_patch works only for a document, and this block sends events: remove `items` and `id`, or use `diff items` for a list that changes")
	case h.Diff == diffPatch && h.Changed != "":
		return wrong("changed", "it says how `diff items` sends a changed item: remove it for json_patch")
	case h.Diff == diffPatch && h.Event != nil:
		return wrong("diff", "its events have the types snapshot and patch: remove `event`")
	case h.Diff == diffPatch:
		c.Diff = true
		return nil
	case h.Event != nil:
		return wrong("diff", "its events have the types snapshot, added, changed and removed: remove `event`")
	case h.ID == "" && h.JQ == "" && c.Page.Format != page.Lines:
		return wrong("diff", "items are told apart by their ids: add `id <value>`")
	case len(h.More) > 0 && len(c.CursorNames) == 0:
		return &fieldError{"more.0", "more", errors.New("nothing says where the next page of the set is: add `cursor`, for example `cursor {sse.link.next}`, and send it")}
	case h.Changed != "" && h.Changed != diffPatch:
		return wrong("changed", "%q is unknown: the only value is json_patch", h.Changed)
	}
	c.Diff = h.Changed == diffPatch
	return nil
}
