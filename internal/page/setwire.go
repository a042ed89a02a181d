package page

import (
	"encoding/binary"
	"errors"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

// append appends the items of a set.
func (s *Set) append(dst []byte) []byte {
	n := 0
	for _, e := range s.elements {
		if !e.ignored {
			n++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for _, e := range s.elements {
		if !e.ignored {
			dst = wire.AppendString(dst, e.id)
			dst = wire.AppendString(dst, e.data)
		}
	}
	return dst
}

// scanSet reads a set. The next answer is read without its help.
func scanSet(s *wire.Scanner) *Set {
	n := s.Count()
	set := &Set{elements: make([]*element, 0, n), places: make(map[string]int, n), size: s.Len()}
	for range n {
		e := &element{id: string(s.Text()), data: s.Text()}
		if !value.ValidJSON(e.data) {
			s.Fail(errors.New("an item of a set is no JSON"))
			return set
		}
		if err := set.put(e, "id"); err != nil {
			s.Fail(err)
			return set
		}
	}
	return set
}
