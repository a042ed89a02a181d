package page

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Set is the items of an answer that lists what there is now. Each has an id that no other one has. Their
// order does not count, and is kept. A Set is immutable once [Set.Follow] has been called.
type Set struct {
	elements []element
	places   map[string]int // of the elements, by their ids
	key      string         // the hash of the set; empty until Follow is called
	size     int            // bytes of the answers that it was read from
}

// element is an item of a set.
type element struct {
	id     string
	data   []byte // JSON; shares memory with the answer's body
	digest position.Digest
}

// put adds an item. name is what its id is called in errors.
func (s *Set) put(e element, name string) error {
	if _, twice := s.places[e.id]; twice {
		return fmt.Errorf("%s is %.80q in two items: in a set each id stands once", name, e.id)
	}
	s.places[e.id] = len(s.elements)
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
	same := before != nil && before.key != "" && len(before.elements) == len(s.elements)
	if before == nil || before.key == "" {
		before = new(Set)
	}
	d := digester{h: sha256.New()}
	for i := range s.elements {
		e := &s.elements[i]
		if old := before.find(i, e.id); old != nil && string(old.data) == string(e.data) {
			e.digest = old.digest
		} else {
			e.digest = d.digest(e)
			same = same && old != nil && old.digest == e.digest
		}
	}
	if same { // as many items, each with an id of before
		s.key = before.key
		return
	}
	digests := make([]position.Digest, len(s.elements))
	for i := range s.elements {
		digests[i] = s.elements[i].digest
	}
	s.key = position.SetHash(digests)
}

// find returns the item with an id, which may stand at a place.
func (s *Set) find(at int, id string) *element {
	if at < len(s.elements) && s.elements[at].id == id {
		return &s.elements[at]
	}
	if at, ok := s.places[id]; ok {
		return &s.elements[at]
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
