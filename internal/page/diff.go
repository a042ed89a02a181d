package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wI2L/jsondiff"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// maxDiffWork bounds how many values are looked at, where a container is compared anew
// for each one that it is in, and an array's items, to find those that moved, with each
// other. 20 million take some hundred milliseconds. A document beyond this is sent whole.
const maxDiffWork = 20_000_000

// What comparing takes at most for each value, beside the two trees, and for an item of an array, beside
// each of the other one, when those are looked for that moved.
const (
	diffValue = 40
	diffMoved = 8
)

// Diff returns a JSON Patch (RFC 6902) that makes the document before of the one after: an
// array of add, remove and replace operations, empty where they are equal. Numbers are
// compared and sent as they are written: 1.0 and 1.00 differ, as do 9007199254740992 and
// 9007199254740993. Of equal keys in one object the last counts, as in JSON.parse.
//
// ok is false where there is no patch that is better than the document: where it would be
// longer, where one of the two is no JSON, is too large to compare, or has
// half a surrogate pair in a string, which clients do not read alike.
func Diff(before, after []byte) (patch []byte, ok bool, err error) {
	memory := treeFor(len(after))
	if diffCost(before)+diffCost(after) > memory || !diffable(before) || !diffable(after) {
		return nil, false, nil
	}
	old, err := value.Decode(before)
	if err != nil {
		return nil, false, fmt.Errorf("reading the document before: %w", err)
	}
	now, err := value.Decode(after)
	if err != nil {
		return nil, false, fmt.Errorf("reading the document after: %w", err)
	}
	patch, ok, err = compareDocuments(old, now, len(after), memory/2)
	if err != nil || !ok {
		return nil, false, err
	}
	return patch, true, nil
}

// operation is one of a patch. jsondiff's own encoding escapes <, > and &.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value *any   `json:"value,omitempty"` // nil for none; null is a value
}

// compareDocuments returns the patch between two decoded documents. ok is false where the patch is
// longer than longest, or the comparison would take too much time or memory.
//
// Of jsondiff's options only LCS is used. Factorize takes all numbers for equal, if they are
// decoded as they are written, and copies wrong ones; Equivalent misses that [1,2,2] became
// [2,1,1]; Rationalize panics on keys that end in a backslash.
func compareDocuments(before, after any, longest, memory int) (patch []byte, ok bool, err error) {
	var size weight
	for _, v := range []any{before, after} {
		_, paths := size.add(v, 0)
		size.paths += paths
	}
	if size.equal > maxDiffWork || size.paths > memory/4 {
		return nil, false, nil
	}
	var options []jsondiff.Option
	if diffMoved*(size.longest+1)*(size.longest+1) <= memory && size.moved <= maxDiffWork {
		options = append(options, jsondiff.LCS())
	}
	found, err := jsondiff.CompareWithoutMarshal(before, after, options...)
	if err != nil {
		return nil, false, fmt.Errorf("comparing two documents: %w", err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	out.WriteByte('[')
	for i, o := range found {
		if i > 0 {
			out.WriteByte(',')
		}
		one := operation{Op: o.Type, Path: o.Path}
		if o.Type != jsondiff.OperationRemove {
			one.Value = &found[i].Value
		}
		if err := encoder.Encode(one); err != nil {
			return nil, false, fmt.Errorf("writing a patch: %w", err)
		}
		if out.Truncate(out.Len() - len("\n")); out.Len() >= longest {
			return nil, false, nil
		}
	}
	out.WriteByte(']')
	return out.Bytes(), out.Len() <= longest, nil
}

// weight is what comparing a document takes at most.
type weight struct {
	equal   int // values to look at for equality
	moved   int // the same, to find items that moved
	longest int // array
	paths   int // bytes of those of a patch
}

// add weighs v, which a path of that many bytes leads to. It returns how many values it has, and
// how many bytes the paths of a patch may have that changes it: as a whole, or in its parts.
func (w *weight) add(v any, path int) (n, paths int) {
	n = 1
	of := func(e any, key int) {
		values, inside := w.add(e, path+len("/")+key)
		n, paths = n+values, paths+inside
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			of(e, len("100000"))
		}
		w.equal += n
		w.moved += n * len(v)
		w.longest = max(w.longest, len(v))
	case map[string]any:
		for k, e := range v {
			of(e, len(k))
		}
		w.equal += n
	}
	return n, max(path, paths)
}

// diffable reports whether text is JSON that a patch can be made of.
func diffable(text []byte) bool {
	if !value.ValidJSON(text) {
		return false
	}
	for { // a backslash stands in strings only
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return true
		}
		escape := text[i+1:]
		if text = escape[1:]; escape[0] != 'u' {
			continue
		}
		unit := codeUnit(escape[1:])
		if !utf16.IsSurrogate(unit) {
			continue
		}
		low := escape[len("uD800"):]
		if low[0] != '\\' || low[1] != 'u' || utf16.DecodeRune(unit, codeUnit(low[2:])) == utf8.RuneError {
			return false
		}
		text = low[len(`\uDC00`):]
	}
}

// diffCost returns how much memory a document takes at most while it is compared.
func diffCost(text []byte) int {
	cost, values := value.TreeCost(text)
	return cost + diffValue*values
}
