package upstream

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
)

// Said is the content of the polls of one feed, except the cursor: the parts of a client's request that they
// send, with the configured edits. Polls contain nothing else of the client, and the feed's key is the hash of
// Said. So anything that is not in here never goes upstream, and no client can receive what its own poll would
// not have fetched. It is immutable.
type Said struct {
	Method       string
	https        bool
	Host         string
	path         string    // escaped; as routes above have rewritten it
	Query        string    // raw, likewise; without what cursors write
	Original     *original // nil: no handler of the upstream sees it
	Local        LocalAddr // zero: no handler of the upstream sees it
	Header       http.Header
	Body         []byte
	Vars         map[string]any
	Placeholders map[string]any // of the client's request, as the upstream's handlers see them; unknown ones are missing
	texts        []string       // the texts of the plan's edits and values, in the order of [bind]

	Steps []*Said // the content of the other requests, in the order of [config.Plan.Steps]
}

// original is the URL as the client sent it, before routes above rewrote it.
type original struct {
	Path  string // escaped
	query string // raw; without what cursors write
}

// first is the content of the first poll of a client without a position, in addition to [Said]: its queries,
// with the values that the client gave for cursors. Clients with equal ones share that poll.
type first struct {
	query         string
	originalQuery string
}

// Key is equal for equal first polls of one feed.
func (f first) Key() string { return fmt.Sprintf("%q %q", f.query, f.originalQuery) }

// LocalAddr is the server address that a client connected to.
type LocalAddr struct{ network, text string }

// Network implements net.Addr.
func (a LocalAddr) Network() string { return a.network }

// String implements net.Addr.
func (a LocalAddr) String() string { return a.text }

// Part is one part of the content of polls, in which feeds may differ.
type Part struct {
	Kind   PartKind
	Name   string // if there are several of a kind
	Fields []string
}

// Read reads the fields, as far as there are some.
func (p Part) Read(to ...*string) {
	for i, field := range p.Fields {
		*to[i] = field
	}
}

// PartKind is a kind of Part. Operators read it.
type PartKind string

const (
	partURL         PartKind = "url"
	PartQuery       PartKind = "query"
	PartOriginal    PartKind = "original_uri"
	PartLocal       PartKind = "local_address"
	PartHeader      PartKind = "headers"
	PartCookie      PartKind = "cookies"
	PartBody        PartKind = "body"
	PartVar         PartKind = "vars"
	PartPlaceholder PartKind = "placeholders"
	partText        PartKind = "texts"
	PartStep        PartKind = "steps"
)

// Parts returns all parts, always in the same order.
func (s *Said) Parts() []Part {
	parts := make([]Part, 0, 8+len(s.Header)+len(s.Vars)+len(s.Placeholders))
	parts = append(
		parts,
		Part{Kind: partURL, Fields: []string{strconv.FormatBool(s.https), s.Method, s.Host, s.path}},
		Part{Kind: PartQuery, Fields: []string{s.Query}},
		Part{Kind: PartBody, Fields: []string{string(s.Body)}},
		Part{Kind: partText, Fields: s.texts},
	)
	if s.Original != nil {
		parts = append(parts, Part{Kind: PartOriginal, Fields: []string{s.Original.Path, s.Original.query}})
	}
	if s.Local != (LocalAddr{}) {
		parts = append(parts, Part{Kind: PartLocal, Fields: []string{s.Local.network, s.Local.text}})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Header)) {
		kind := PartHeader
		if name == "Cookie" {
			kind = PartCookie
		}
		parts = append(parts, Part{kind, name, s.Header[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Vars)) {
		parts = append(parts, Part{PartVar, name, []string{written(s.Vars[name])}})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Placeholders)) {
		parts = append(parts, Part{PartPlaceholder, name, []string{written(s.Placeholders[name])}})
	}
	for i, step := range s.Steps {
		key := step.key()
		parts = append(parts, Part{PartStep, strconv.Itoa(i), []string{string(key[:])}})
	}
	return parts
}

// written writes a value so that different values differ: quoted, ["a b"] is not ["a", "b"], and 1 is not "1".
func written(v any) string { return fmt.Sprintf("%#v", v) }

// key identifies the feed with this content of polls.
func (s *Said) key() Key {
	k := newKeyWriter()
	for _, p := range s.Parts() {
		k.text(p.Name)
		k.add(string(p.Kind), p.Fields...)
	}
	return k.sum()
}

// URL is what feeds have in common that are compared with each other.
func (s *Said) URL() string { return fmt.Sprintf("%t %q %q %q", s.https, s.Method, s.Host, s.path) }

// take takes the parts of a client's request that the handlers of an upstream need.
func (s *Said) take(wants config.Wants, sent original, r *http.Request) {
	s.Original, s.Local = nil, LocalAddr{}
	if wants.Original {
		s.Original = &sent
	}
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && wants.Local {
		s.Local = LocalAddr{addr.Network(), addr.String()}
	}
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	s.Placeholders = make(map[string]any, len(wants.Placeholders))
	for _, name := range wants.Placeholders {
		if v, known := repl.Get(name); known {
			s.Placeholders[name] = v
		}
	}
}
