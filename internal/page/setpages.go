package page

import (
	"errors"
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
)

// MaxPages is how many pages a set may have.
const MaxPages = 100

// Pages joins the pages of one set. All of them count, or none: where one cannot be had, the set stays as it was.
type Pages struct {
	reader *Reader
	limit  int64
	whole  Page // what has been joined so far
	from   position.Position
	count  int
}

// NewPages begins with the first page of a set, which was asked for from a position. limit is how many bytes all
// answers may have. The error is an [*Error].
func NewPages(r *Reader, from position.Position, first Page, limit int64) (*Pages, error) {
	p := &Pages{reader: r, limit: limit, whole: first, from: from, count: 1}
	if first.More && first.Next.Cursor.Equal(from.Cursor) {
		return nil, p.unreadable("`more` holds on the first page, and no cursor says where the next one is")
	}
	return p, nil
}

// Count returns how many pages there are so far.
func (p *Pages) Count() int { return p.count }

// Next returns where the next page is asked for; more is false after the last one.
func (p *Pages) Next() (from position.Position, more bool) { return p.whole.Next, p.whole.More }

// Add adds the next page.
func (p *Pages) Add(next Page) error {
	switch asked := p.whole.Next.Cursor; {
	case next.Set == nil:
		return p.unreadable("the answer has no list")
	case p.whole.Next.Epoch != next.Next.Epoch:
		return p.unreadable("the upstream has started over since the first page")
	case next.More && next.Next.Cursor.Equal(asked):
		return p.unreadable("its cursor leads to itself")
	case p.count == MaxPages:
		return p.unreadable("a set may have %d pages: does `more` hold on the last page, too?", MaxPages)
	}
	s := p.whole.Set
	if s.size += next.Set.size; int64(s.size) > p.limit {
		return p.unreadable("all pages together are larger than `limits response` allows (%d bytes)", p.limit)
	}
	for _, l := range next.Set.listings {
		l.first = len(s.elements)
		s.listings = append(s.listings, l)
	}
	for _, e := range next.Set.elements {
		if err := s.put(e, p.reader.idName()); err != nil {
			return p.unreadable("%w", err)
		}
	}
	if len(s.elements) > decode.MaxItems {
		return p.unreadable("%w", decode.ErrTooManyItems)
	}
	p.count++
	p.whole.Next, p.whole.More, p.whole.End = next.Next, next.More, next.End
	p.whole.Wait, p.whole.Asked = max(p.whole.Wait, next.Wait), max(p.whole.Asked, next.Asked)
	p.whole.Validators = Validators{} // they say nothing of the other pages
	return nil
}

func (p *Pages) unreadable(format string, args ...any) error {
	return unreadable("page %d of the set: %w", p.count+1, fmt.Errorf(format, args...))
}

var errRefused = errors.New("the upstream refused it")

// Failed adds to the error of a page which one it is.
func (p *Pages) Failed(err error) error {
	if refused, ok := errors.AsType[*Refusal](err); ok { // it is no answer to the poll, of which the first page has come
		return &Error{Status: refused.Status, Comment: fmt.Sprintf("status %d", refused.Status), Err: fmt.Errorf("page %d of the set: %w", p.count+1, errRefused)}
	}
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.Err = fmt.Errorf("page %d of the set: %w", p.count+1, failed.Err)
		return err
	}
	return fmt.Errorf("page %d of the set: %w", p.count+1, err)
}

// Whole returns the page of the whole set. The next one begins again where the first page was asked for.
func (p *Pages) Whole() Page {
	whole := p.whole
	whole.Next = position.Position{Epoch: p.whole.Next.Epoch, Cursor: p.from.Cursor}
	return whole
}
