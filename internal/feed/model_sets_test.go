package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// setItem is an item of the model's sets. The counter is not in its data.
type setItem struct {
	ID      int            `json:"id"`
	Counter int            `json:"counter"`
	Skip    bool           `json:"skip,omitempty"`
	Is      map[string]any `json:"is"`
}

// setOf makes a version of the set, of which some items come, change and go each time.
func setOf(version, n int) string {
	is := map[string]map[string]any{}
	for id := range 12 {
		if (version/(1+id%3)+id)%4 != 0 {
			is[strconv.Itoa(id)] = map[string]any{"id": id, "v": version / (1 + id), "n": n / (1 + id), "long": "a text that makes patches worth it"}
		}
	}
	return marshal(is)
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// members returns the items of a version, in an order that is another one at each time. b.mu is held.
func (b *modelUpstream) members(version int) (items []setItem) {
	var is map[string]map[string]any
	if err := json.Unmarshal([]byte(b.versions[version]), &is); err != nil {
		panic(err)
	}
	b.serial++
	for id, data := range is {
		n, _ := strconv.Atoi(id)
		items = append(items, setItem{ID: n, Counter: b.serial, Is: data}, setItem{ID: 100 + n, Skip: true, Is: data})
	}
	slices.SortFunc(items, func(p, q setItem) int {
		if b.kind.shuffles {
			return 1000*(b.random(1000, b.serial, p.ID)-b.random(1000, b.serial, q.ID)) + p.ID - q.ID
		}
		return p.ID - q.ID
	})
	return items
}

// set answers with the newest version of the set.
func set(b *modelUpstream, _ Ask) (page.Response, bool) {
	if len(b.versions) == 0 {
		b.version(setOf(0, 0))
	}
	return page.Response{Status: http.StatusOK, Body: []byte(marshal(map[string]any{"items": b.members(len(b.versions) - 1)}))}, true
}

// setPage answers with a page of the version that the cursor names, or of the newest one. It forgets the others
// when there is a newer one.
func setPage(b *modelUpstream, ask Ask) (page.Response, bool) {
	if len(b.versions) == 0 {
		b.version(setOf(0, 0))
	}
	version, from := len(b.versions)-1, 0
	if !ask.From.Cursor.IsZero() {
		if _, err := fmt.Sscanf(ask.From.Cursor[0], "%d-%d", &version, &from); err != nil || version != len(b.versions)-1 {
			return page.Response{Status: http.StatusNotFound}, true
		}
	}
	items := b.members(version)
	to := min(from+5, len(items))
	answer := map[string]any{"items": items[min(from, to):to], "more": to < len(items)}
	if to < len(items) {
		answer["cursor"] = fmt.Sprintf("%d-%d", version, to)
	}
	return page.Response{Status: http.StatusOK, Body: []byte(marshal(answer))}, true
}

// setKinds are the kinds of upstreams that list what there is now.
func setKinds() []kind {
	items, err := value.ParsePath("items")
	if err != nil {
		panic(err)
	}
	config := page.Config{Items: items, ID: path("id"), Data: path("is"), Ignore: condition("skip"), Set: true}
	pages := config
	pages.Cursors, pages.More = []page.Cursor{{Values: []value.Value{path("cursor")}}}, condition("more")
	var all []kind
	for _, k := range []kind{
		{name: "a set", config: config, reply: set},
		{name: "a set that comes back to what it was", config: config, reply: set, edits: true},
		{name: "a set in any order", config: config, reply: set, edits: true, shuffles: true},
		{name: "a set of pages", config: pages, reply: setPage},
	} {
		k.document, k.polled = true, true
		all = append(all, k)
		k.name, k.diff = k.name+", with patches", page.Diff
		all = append(all, k)
	}
	return all
}

// takeSet takes an event of a set.
func (c *modelClient) takeSet(typ, data, id string) {
	b := c.m.modelUpstream
	has := map[string]json.RawMessage{}
	if c.document != "" && typ != page.Snapshot {
		if err := json.Unmarshal([]byte(c.document), &has); err != nil {
			b.blame("%s has %q: %v", c.name, c.document, err)
		}
	}
	if err := applySet(has, typ, data, b.kind.diff != nil); err != nil || id == "" {
		b.blame("%s got %q %s with the id %q, and has %q: %v", c.name, typ, data, id, c.document, err)
		return
	}
	before := c.document
	c.lastID, c.document = id, marshal(has)
	if strings.Contains(id, "~") {
		return // it is in the middle of a change
	}
	b.mu.Lock()
	var versions []int
	for i, version := range b.versions {
		if version == c.document && (len(c.versions) == 0 || i >= c.versions[0]) {
			versions = append(versions, i)
		}
	}
	b.mu.Unlock()
	switch {
	case len(versions) == 0:
		b.blame("%s has %q after %q and %q, which is no set that comes after", c.name, c.document, before, data)
	case typ == page.Snapshot && before == c.document && !c.stranger:
		b.blame("%s got the snapshot %q again", c.name, data)
	}
	c.versions = versions
}

// applySet applies an event to what a client has.
func applySet(has map[string]json.RawMessage, typ, data string, patches bool) error {
	if typ == page.Snapshot {
		var items []json.RawMessage
		if err := json.Unmarshal([]byte(data), &items); err != nil {
			return err
		}
		for _, item := range items {
			has[itemID(item)] = canonical(item)
		}
		return nil
	}
	key := itemID([]byte(data))
	old, there := has[key]
	switch {
	case typ == page.Removed && there && bytes.Equal(old, canonical([]byte(data))):
		delete(has, key)
	case typ == page.Added && !there:
		has[key] = canonical([]byte(data))
	case typ == page.Changed && there && !patches:
		has[key] = canonical([]byte(data))
	case typ == page.Changed && there:
		var change struct{ Patch jsonpatch.Patch }
		if err := json.Unmarshal([]byte(data), &change); err != nil {
			return err
		}
		after, err := change.Patch.Apply(old)
		has[key] = canonical(after)
		return err
	default:
		return fmt.Errorf("it has the item: %t", there)
	}
	return nil
}

// itemID returns the id of an item, or of a changed one.
func itemID(data []byte) string {
	var item struct{ ID any }
	if err := json.Unmarshal(data, &item); err != nil {
		return err.Error()
	}
	return fmt.Sprint(item.ID)
}

func canonical(text []byte) json.RawMessage {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return json.RawMessage(marshal(err.Error()))
	}
	return json.RawMessage(marshal(v))
}
