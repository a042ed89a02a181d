package position

import (
	"encoding/binary"

	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

// Append appends a position as nodes tell it to one another, for [Scan]. That is no event id.
func (p Position) Append(dst []byte) []byte {
	dst = wire.AppendString(dst, p.Epoch)
	dst = binary.AppendUvarint(dst, uint64(len(p.Cursor)))
	for _, v := range p.Cursor {
		dst = wire.AppendString(dst, v)
	}
	dst = binary.AppendUvarint(dst, uint64(p.Done))
	if p.Done > 0 {
		dst = append(dst, p.Print[:]...)
	}
	return dst
}

// Scan reads a position that [Position.Append] has written. Errors are the scanner's.
func Scan(s *wire.Scanner) Position {
	p := Position{Epoch: string(s.Text())}
	if n := s.Count(); n > 0 {
		p.Cursor = make(Cursor, n)
		for i := range p.Cursor {
			p.Cursor[i] = string(s.Text())
		}
	}
	done := s.Uint()
	if done > 1<<31-1 {
		s.Fail(wire.ErrCut)
		return Position{}
	}
	if p.Done = int(done); p.Done > 0 {
		copy(p.Print[:], s.Bytes(len(p.Print)))
	}
	return p
}
