package suggest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// maxWalk bounds the messages of a queue that are read, to find its end.
const maxWalk = 30

// validators finds out what the endpoint makes of the ETag and Last-Modified of an answer that is no list: most answer
// that it has not changed; some hold the request until it has; and for some these are a position, after which they
// give the next message (nchan). told is true where that makes the block.
func (f *findings) validators(ctx context.Context, b *Block) (told bool, err error) {
	for _, r := range f.readings[1:] {
		if r.held {
			b.add("it held the second request", "long_poll")
			f.public(b)
			b.fixed(f.URL)
			b.add("each answer is an event: an endpoint that holds requests answers when there is news", "format", "message")
			return true, nil
		}
	}
	if f.list != nil || f.counts() || f.first.Status/100 != 2 {
		return false, nil
	}
	header := f.first.validators()
	if len(header) == 0 {
		return false, nil
	}
	positions := strings.Contains(strings.ToLower(strings.Join(f.first.Header.Values("Vary"), ",")), "if-none-match")
	passed := 0
	at := f.first
	for range maxWalk {
		a, err := f.ask(ctx, f.Hold, f.leftOut, "", at.validators()...)
		switch {
		case err != nil:
			return false, err
		case a.held || positions && a.quiet():
			f.messages(b, passed, a.held)
			return true, nil
		case a.Status == 304 && passed == 0:
			f.notModified = true
			return false, nil
		case a.Status == 304:
			f.messages(b, passed, false)
			return true, nil
		case a.Status/100 != 2 || len(a.validators()) == 0 || strings.Join(a.validators(), "\n") == strings.Join(at.validators(), "\n"):
			return false, nil
		}
		if !positions { // else it may just have changed
			if again, err := f.ask(ctx, f.Hold, f.leftOut, ""); err != nil || !bytes.Equal(again.Body, f.first.Body) || strings.Join(again.validators(), "\n") != strings.Join(f.first.validators(), "\n") {
				return false, err
			}
		}
		passed++
		at = a
	}
	f.messages(b, passed, true)
	return true, nil
}

// messages writes what reads one message after another.
func (f *findings) messages(b *Block, passed int, held bool) {
	if held || passed > 0 {
		b.add("it holds a request that has the ETag and Last-Modified of its last answer", "long_poll")
	} else {
		b.add("it answers at once", "interval", "1s", "5s")
	}
	f.public(b)
	b.fixed(f.URL)
	why := "each answer is an event"
	if passed > 0 {
		why = fmt.Sprintf("each answer is an event, and its ETag and Last-Modified ask for the next: it keeps %d at least, which a new client gets", passed+1)
	}
	b.add(why, "format", "message")
}
