package page

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// What gofeed takes at most, while it reads, for each byte of a feed, each element, each attribute,
// and each value of a JSON feed.
const (
	costOfByte      = 7
	costOfElement   = 1000
	costOfAttribute = 150
	costOfValue     = 150
)

// feedPieces is a feed that is cut between its entries. An opening, entries with what stands between
// them and a closing are a feed too.
type feedPieces struct {
	head     [][]byte // the feed with its first entry alone, some of whose dates it may take for its own
	headCost int
	first    [][]byte    // the entry that is in the head, if there is one
	name     []byte      // of the root
	entries  []feedEntry // all others
	root     [2][]byte   // the tags of the root, or what a JSON feed begins and ends with
	channel  [2][]byte   // the tags of the channel
	between  []byte
}

// feedEntry is an item or entry of a feed.
type feedEntry struct {
	text    []byte
	cost    int
	channel bool // it is in the channel, and not in the root
}

func (f feedPieces) opening(e feedEntry) []byte {
	if e.channel {
		return slices.Concat(f.root[0], f.channel[0])
	}
	return f.root[0]
}

func (f feedPieces) closing(e feedEntry) []byte {
	if e.channel {
		return slices.Concat(f.channel[1], f.root[1])
	}
	return f.root[1]
}

// cutFeed cuts an RSS or Atom feed.
func cutFeed(text []byte) (f feedPieces, err error) {
	var root, parent []byte                         // names
	begin, depth, cost, all, kept := -1, 0, 0, 0, 0 // of the entry that is open; of everything; what is not yet in the head
	end := func(t markupTag) {
		if begin >= 0 {
			f.entries = append(f.entries, feedEntry{text: text[begin:t.end], cost: cost + costOfByte*(t.end-begin), channel: depth == 2})
			if len(f.entries) > 1 {
				f.head, kept = append(f.head, text[kept:begin]), t.end
			}
			begin = -1
		}
	}
	err = scanMarkup(text, func(t markupTag) {
		name := t.name(text)
		if t.opens {
			n := costOfElement + costOfAttribute*t.attributes
			cost, all = cost+n, all+n
		}
		switch {
		case t.opens && t.depth == 0 && root == nil:
			root, f.root[0], f.root[1] = name, text[:t.end], slices.Concat([]byte("</"), name, []byte(">"))
		case t.opens && t.depth == 1 && isLocal(name, root, "channel") && !t.closes:
			if parent == nil {
				f.channel[0], f.channel[1] = text[t.start:t.end], slices.Concat([]byte("</"), name, []byte(">"))
			}
			parent = name
		case len(f.entries) > decode.MaxItems:
		case t.opens && begin < 0 && (t.depth == 1 || t.depth == 2 && parent != nil) && (isLocal(name, root, "item") || isLocal(name, root, "entry")):
			begin, depth, cost = t.start, t.depth, costOfElement+costOfAttribute*t.attributes
			if t.closes {
				end(t)
			}
		case t.closes && !t.opens && begin >= 0 && (isLocal(name, root, "item") || isLocal(name, root, "entry")) && t.depth <= depth:
			end(t)
		case t.closes && t.depth == 1:
			parent = nil
		}
	})
	if len(f.entries) > decode.MaxItems {
		err = decode.ErrTooManyItems
	}
	f.head = append(f.head, text[kept:])
	f.headCost = all
	for i, e := range f.entries {
		if i > 0 {
			f.headCost -= e.cost - costOfByte*len(e.text)
		}
	}
	for _, part := range f.head {
		f.headCost += costOfByte * len(part)
	}
	if f.name = root; len(f.entries) > 0 {
		f.first, f.entries = [][]byte{f.entries[0].text}, f.entries[1:]
	}
	return f, err
}

// isLocal reports whether that is the name of an element of the feed itself: without a prefix, or
// with that of the root.
func isLocal(name, root []byte, local string) bool {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		if !bytes.HasPrefix(root, name[:i+1]) {
			return false
		}
		name = name[i+1:]
	}
	return bytes.EqualFold(name, []byte(local))
}

// cutJSONFeed cuts a JSON feed.
func cutJSONFeed(text []byte) (f feedPieces, err error) {
	if !value.ValidJSON(text) {
		return f, fmt.Errorf("%s where a feed was expected", decode.Nature(text))
	}
	items := entries.Get(text)
	if !items.IsArray() {
		return f, errors.New("JSON without items where a feed was expected")
	}
	raw := bytesOf(items, text)
	start := items.Index
	f.root, f.between = [2][]byte{[]byte(`{"items":[`), []byte(`]}`)}, []byte(",")
	f.head = [][]byte{text[:start], []byte("[")}
	items.ForEach(func(_, v gjson.Result) bool {
		entry := bytesOf(gjson.Result{Raw: v.Raw, Index: v.Index}, text)
		cost := costOfByte*len(entry) + costOfValue*countValues(entry)
		if len(f.entries) > decode.MaxItems {
			err = decode.ErrTooManyItems
			return false
		}
		f.entries = append(f.entries, feedEntry{text: entry, cost: cost})
		return true
	})
	if len(f.entries) > 0 {
		f.head = append(f.head, f.entries[0].text)
		f.entries = f.entries[1:]
	}
	f.head = append(f.head, []byte("]"), text[start+len(raw):])
	for _, part := range f.head {
		f.headCost += costOfByte*len(part) + costOfValue*countValues(part)
	}
	return f, err
}

// countValues returns about how many values there are in JSON, or a part of it that ends in no string.
func countValues(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
			if c == '\\' {
				i++
			}
		case c == ',' || c == '[' || c == '{':
			n++
		}
	}
	return n
}
