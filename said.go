package ssebridge

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// said is all that the polls of one feed say, but for the cursor: what they take of a client's
// request, with the configured edits. Polls are made of it and of nothing else of the client, and
// the feed's key is its hash: what is not in here does not go upstream, so that no client can
// receive what its own poll would not have fetched. It is never changed once it has been made.
type said struct {
	method       string
	https        bool
	host         string
	path         string    // escaped; as routes above have rewritten it
	query        string    // raw, likewise; without what cursors write
	original     *original // nil: no handler of the upstream sees it
	local        localAddr // zero: likewise
	header       http.Header
	body         []byte
	vars         map[string]any
	placeholders map[string]any // of the client's request, as the upstream's handlers see them; what is not known is not in here
	texts        []string       // what the plan's edits and values say between our own placeholders, in the order of [bind]

	open, wait *said // what the requests beside the polls say; nil for nothing
}

// original is the URL as the client sent it, before routes above rewrote it.
type original struct {
	path  string // escaped
	query string // raw; without what cursors write
}

// first is what the first poll of a client that comes without a position says beside [said]: its
// queries, with the values that the client gave for cursors. Such clients share that poll if theirs
// are equal.
type first struct {
	query         string
	originalQuery string
}

// key is equal for equal first polls of one feed.
func (f first) key() string { return fmt.Sprintf("%q %q", f.query, f.originalQuery) }

// localAddr is the address that a client has reached.
type localAddr struct{ network, text string }

// Network implements net.Addr.
func (a localAddr) Network() string { return a.network }

// String implements net.Addr.
func (a localAddr) String() string { return a.text }

// part is one thing that polls say, by which feeds may differ.
type part struct {
	kind   partKind
	name   string // of one of several of a kind
	fields []string
}

// read reads the fields, as far as there are some.
func (p part) read(to ...*string) {
	for i, field := range p.fields {
		*to[i] = field
	}
}

// partKind is a kind of what polls say. Operators read it.
type partKind string

const (
	partURL         partKind = "url"
	partQuery       partKind = "query"
	partOriginal    partKind = "original_uri"
	partLocal       partKind = "local_address"
	partHeader      partKind = "headers"
	partCookie      partKind = "cookies"
	partBody        partKind = "body"
	partVar         partKind = "vars"
	partPlaceholder partKind = "placeholders"
	partText        partKind = "texts"
	partOpen        partKind = "open"
	partWait        partKind = "wait"
)

// parts returns all that is said, always in the same order.
func (s *said) parts() []part {
	parts := make([]part, 0, 8+len(s.header)+len(s.vars)+len(s.placeholders))
	parts = append(
		parts,
		part{kind: partURL, fields: []string{strconv.FormatBool(s.https), s.method, s.host, s.path}},
		part{kind: partQuery, fields: []string{s.query}},
		part{kind: partBody, fields: []string{string(s.body)}},
		part{kind: partText, fields: s.texts},
	)
	if s.original != nil {
		parts = append(parts, part{kind: partOriginal, fields: []string{s.original.path, s.original.query}})
	}
	if s.local != (localAddr{}) {
		parts = append(parts, part{kind: partLocal, fields: []string{s.local.network, s.local.text}})
	}
	for _, name := range slices.Sorted(maps.Keys(s.header)) {
		kind := partHeader
		if name == "Cookie" {
			kind = partCookie
		}
		parts = append(parts, part{kind, name, s.header[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(s.vars)) {
		parts = append(parts, part{partVar, name, []string{written(s.vars[name])}})
	}
	for _, name := range slices.Sorted(maps.Keys(s.placeholders)) {
		parts = append(parts, part{partPlaceholder, name, []string{written(s.placeholders[name])}})
	}
	for _, step := range []struct {
		kind partKind
		said *said
	}{{partOpen, s.open}, {partWait, s.wait}} {
		if step.said != nil {
			key := step.said.key()
			parts = append(parts, part{kind: step.kind, fields: []string{string(key[:])}})
		}
	}
	return parts
}

// written tells values apart that print alike: quoted, ["a b"] is not ["a", "b"], nor 1 "1".
func written(v any) string { return fmt.Sprintf("%#v", v) }

// key identifies the feed whose polls say this.
func (s *said) key() feedKey {
	k := newKeyWriter()
	for _, p := range s.parts() {
		k.text(p.name)
		k.add(string(p.kind), p.fields...)
	}
	return k.sum()
}

// url is what those feeds have in common that are compared.
func (s *said) url() string { return fmt.Sprintf("%t %q %q %q", s.https, s.method, s.host, s.path) }
