package page

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"slices"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Set is the items of an answer that lists what there is now. Each has an id that no other one has. Their
// order does not count, and is kept. A Set is immutable once [Set.Follow] has been called.
type Set struct {
	elements []*element     // of which other sets may have some, too
	places   map[string]int // of the elements that are not ignored, by their ids
	borrowed bool           // places is that of another set
	key      string         // the hash of the set; empty until Follow is called
	digests  []position.Digest
	size     int // bytes of the answers that it was read from

	reader   *Reader
	listings []listing // one for each answer; nil where the next one cannot be read with its help
}

// element is an item of a set. It is immutable once it has a digest.
type element struct {
	id       string
	raw      []byte // as it stands in the answer
	data     []byte // JSON; null where there is none
	digest   position.Digest
	digested bool
	dataless bool // the data path found nothing
	ignored  bool // it is in the answer, and not in the set
}

// put adds an item. name is what its id is called in errors.
func (s *Set) put(e *element, name string) error {
	if !e.ignored {
		if _, twice := s.places[e.id]; twice {
			return fmt.Errorf("%s is %.80q in two items: in a set each id stands once", name, e.id)
		}
		if s.borrowed {
			s.places, s.borrowed = maps.Clone(s.places), false
		}
		s.places[e.id] = len(s.elements)
	}
	s.elements = append(s.elements, e)
	return nil
}

// Key returns the hash of the set. It is empty until [Set.Follow] has been called.
func (s *Set) Key() string { return s.key }

// Follow makes the hash of a set. What is known of the one before, nil for none, is not made anew: of an item
// with the same id and the same bytes, nothing is.
func (s *Set) Follow(before *Set) {
	if s.key != "" {
		return
	}
	known := before != nil && before.key != ""
	if !known {
		before = new(Set)
	}
	var fresh, gone []position.Digest
	d := digester{h: sha256.New()}
	for i, e := range s.elements {
		if e.ignored {
			continue
		}
		old := before.find(i, e.id)
		switch {
		case e.digested:
		case old != nil && string(old.data) == string(e.data):
			e.digest = old.digest
		default:
			e.digest = d.digest(e)
		}
		if e.digested = true; old == nil || old.digest != e.digest {
			fresh = append(fresh, e.digest)
		}
	}
	for i, old := range before.elements {
		if old.ignored {
			continue
		}
		if e := s.find(i, old.id); e == nil || e.digest != old.digest {
			gone = append(gone, old.digest)
		}
	}
	if known && len(fresh)+len(gone) == 0 {
		s.key, s.digests = before.key, before.digests
		return
	}
	s.digests = replaced(before.digests, gone, fresh)
	s.key = position.SetHash(s.digests)
}

// replaced returns sorted digests without some of them, and with others.
func replaced(sorted, gone, fresh []position.Digest) []position.Digest {
	slices.SortFunc(gone, position.CompareDigests)
	slices.SortFunc(fresh, position.CompareDigests)
	out := make([]position.Digest, 0, len(sorted)-len(gone)+len(fresh))
	for _, d := range sorted {
		if len(gone) > 0 && gone[0] == d {
			gone = gone[1:]
			continue
		}
		for len(fresh) > 0 && position.CompareDigests(fresh[0], d) < 0 {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
		out = append(out, d)
	}
	return append(out, fresh...)
}

// find returns the item with an id, which may stand at a place; nil: there is none.
func (s *Set) find(at int, id string) *element {
	if at < len(s.elements) && s.elements[at].id == id && !s.elements[at].ignored {
		return s.elements[at]
	}
	if at, ok := s.places[id]; ok {
		return s.elements[at]
	}
	return nil
}

// digester makes the digests of items, whatever their white space, the order of their keys and the escapes in
// their strings: see [canonicalHash].
type digester struct {
	h       hash.Hash
	members []hash.Hash
}

func (d *digester) digest(e *element) (sum position.Digest) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(e.id)))
	d.h.Reset()
	d.h.Write(size[:])
	d.h.Write(value.Bytes(e.id))
	c := canonicalizer{text: e.data, members: d.members}
	c.value(d.h, 0)
	d.members = c.members
	d.h.Sum(sum[:0])
	return sum
}
