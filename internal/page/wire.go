package page

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/wire"
)

// A page as nodes tell it to one another. It holds what readers get of it, and where the next poll goes on; not what
// is only for the log of who has polled, nor what only they can act on.

// What a page says in one bit.
const (
	bitNews = 1 << iota
	bitEmpty
	bitComplete
	bitLost
	bitMore
	bitEnd
	bitSet
)

// ErrUntold is the error for a page that no other node can take.
var ErrUntold = errors.New("the page is only for the node that has polled")

// Append appends a page for [Scan]. Its Carry must be nil, and it must be no reset: those are not told as pages.
func (p *Page) Append(dst []byte) ([]byte, error) {
	if p.Carry != nil || p.Reset || p.Reopen || p.Restarted {
		return dst, ErrUntold
	}
	bits := uint64(0)
	for i, is := range [...]bool{p.News, p.Empty, p.Complete, p.Lost, p.More, p.End, p.Set != nil} {
		if is {
			bits |= 1 << i
		}
	}
	dst = binary.AppendUvarint(dst, bits)
	dst = binary.AppendUvarint(dst, uint64(p.Status))
	dst = binary.AppendUvarint(dst, uint64(p.Wait))
	dst = wire.AppendString(dst, p.Validators.ETag)
	dst = wire.AppendString(dst, p.Validators.LastModified)
	dst = p.Next.Append(dst)
	if p.Set != nil {
		return p.Set.append(dst), nil
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.Events)))
	for _, e := range p.Events {
		dst = wire.AppendString(dst, e.Type)
		dst = wire.AppendString(dst, e.Data)
		dst = wire.AppendString(dst, e.Key)
		dst = e.At.Append(dst)
	}
	return dst, nil
}

// Scan reads a page that [Page.Append] has written. It shares memory with what is scanned. Errors are the scanner's.
func Scan(s *wire.Scanner) Page {
	bits := s.Uint()
	p := Page{
		News: bits&bitNews != 0, Empty: bits&bitEmpty != 0, Complete: bits&bitComplete != 0,
		Lost: bits&bitLost != 0, More: bits&bitMore != 0, End: bits&bitEnd != 0,
	}
	p.Status, p.Wait = int(uint16(s.Uint())), min(max(time.Duration(s.Uint()), 0), maxWait)
	p.Validators.ETag, p.Validators.LastModified = string(s.Text()), string(s.Text())
	p.Next = position.Scan(s)
	if bits&bitSet != 0 {
		p.Set, p.Events = scanSet(s), []Event{{Type: Snapshot}}
		return p
	}
	if n := s.Count(); n > 0 {
		p.Events = make([]Event, 0, n)
		for range n {
			e := Event{Type: string(s.Text()), Data: s.Text(), Key: string(s.Text()), At: position.Scan(s)}
			if IsReserved(e.Type) {
				s.Fail(fmt.Errorf("the type of an event is %q, one of the bridge's own", e.Type))
			}
			p.Events = append(p.Events, e)
		}
	}
	return p
}
