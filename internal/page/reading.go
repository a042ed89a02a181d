package page

import (
	"net/http"
	"slices"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/decode"
	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// reading is an answer while it is read.
type reading struct {
	reader *Reader
	status int
	header http.Header
	took   time.Duration // to the head of the answer
	body   body
	made   *made             // what a program made of the body, if there is one and it ran
	from   position.Position // its cursor has all names
	env    *value.Env
	asked  time.Duration // the least time to the next poll
	before known         // for a set

	carries bool   // what is left open can be carried to the next page
	carry   *Carry // from the page before, or nil
	last    bool   // nothing will follow

	taken    []*item // all items that did not come before, ignored or not
	itemless bool    // there is nothing at the path of the items
	idless   bool    // no item has an id, where ids are configured

	record bool // it is one record of an answer that goes on
	met    bool // a record before it is that of the cursor
	fresh  bool // no record before it has moved the cursor since the poll
	within bool // the position is one within the page, so that clients have been told what is before the page
}

// read reads the answer.
func (rd *reading) read() (Page, error) {
	r := rd.reader
	if rd.holds(r.config.Reset) {
		return Page{Reset: true, Next: rd.from}, nil
	}
	if rd.holds(r.config.Reopen) {
		return Page{Reopen: true, Next: rd.from}, nil
	}
	verdict, err := rd.judge()
	switch {
	case err != nil:
		return Page{}, err
	case verdict == nothing && rd.carry != nil:
		return rd.carry.Settle(), nil
	case verdict == nothing:
		return Page{Next: rd.from, Empty: true}, nil
	}
	if failed := rd.reported(); failed != nil {
		return Page{}, failed
	}
	switch {
	case verdict == answered && rd.body.err != nil && !rd.passedOver():
		return Page{}, unreadable("%w", rd.body.err)
	case rd.restarted():
		return Page{Restarted: true, Next: rd.from}, nil
	}
	more, end := rd.holds(r.config.More), rd.holds(r.config.End)
	rd.last = end && !more
	p, err := rd.page(verdict)
	if err != nil {
		return Page{}, err
	}
	if r.config.Unsent && r.source == fromItems {
		p.Validators = rd.validators()
	}
	if p.Carry == nil {
		p.More, p.End = p.More || more, end
		p.Lost = p.Lost || p.News && !rd.within && rd.gapes()
	}
	p.Empty = p.Empty && !more && p.Carry == nil
	p.Complete = p.Empty && len(r.config.More) > 0
	return p, nil
}

// page reads an answer that is accepted. One that is passed over as a whole need not be what is expected:
// only its cursor counts.
func (rd *reading) page(v verdict) (Page, error) {
	whole := rd.reader.document || rd.reader.set
	if v == quiet || rd.body.empty() && !rd.emptySet() || whole && rd.passedOver() {
		p := rd.empty()
		p.Empty = v == quiet
		return p, nil
	}
	p, err := rd.content()
	if err != nil && rd.passedOver() {
		return rd.empty(), nil
	}
	return p, err
}

// emptySet reports whether an answer without a body is a set without items: a text of no lines or rows. In
// other formats an empty list is written.
func (rd *reading) emptySet() bool {
	f := rd.reader.config.Format
	return rd.reader.set && rd.body.err == nil && (f == Lines || f == CSV)
}

// content reads what an answer holds.
func (rd *reading) content() (Page, error) {
	r, b := rd.reader, rd.body
	switch {
	case b.err != nil:
		return Page{}, b.err
	case !b.json && (r.config.Format == JSON || r.config.Format == JSONP || r.needsJSON && r.config.Format != Text):
		return Page{}, unreadable("%w", decode.Unexpected(b.text, "JSON was"))
	case !r.config.Program.IsZero():
		made, err := rd.run()
		if err != nil {
			return Page{}, unreadable("%w", err)
		}
		rd.made = made
	}
	switch {
	case r.set:
		return rd.set()
	case r.document:
		return rd.document()
	}
	p, err := rd.events()
	p.Idless = rd.idless
	return p, err
}

// restarted reports whether the upstream counts anew since the position that was asked for. It
// notes the epoch of a first answer.
func (rd *reading) restarted() bool {
	epoch := rd.look(rd.reader.config.Epoch, rd.body.text)
	if !present(epoch) || string(epoch) == rd.from.Epoch {
		return false
	}
	first := rd.from.IsZero()
	rd.from.Epoch = string(epoch)
	return !first
}

// look looks v up in scope, which is JSON if the body is.
func (rd *reading) look(v value.Value, scope []byte) []byte {
	if v.IsZero() || !rd.body.json && v.NeedsJSON() {
		return nil
	}
	return v.Get(scope, rd.env)
}

// present reports whether a value that was found is one: an empty one and null are none.
func present[T string | []byte](v T) bool { return len(v) > 0 && string(v) != "null" }

// empty returns the page of an answer without a body or items. It is news if it moves the
// cursor.
func (rd *reading) empty() Page {
	p := Page{Next: rd.from}
	cursor := rd.cursor()
	moved := !cursor.Equal(rd.from.Cursor)
	if s, seeks := rd.seeking(); seeks && rd.goesOn(s, moved) {
		return rd.hold(s, nil, rd.border(cursor))
	}
	if rd.carry != nil {
		p = rd.carry.Settle()
	}
	if moved {
		p.News, p.Next = true, rd.border(cursor)
	}
	return p
}

// border returns the position that cursor is.
func (rd *reading) border(cursor position.Cursor) position.Position {
	return position.Position{Epoch: rd.from.Epoch, Cursor: cursor}
}

// cursor returns the cursor after this answer, if it is not the items that move it. Where
// the answer has no value for a name, the old one stays.
func (rd *reading) cursor() position.Cursor {
	r, next := rd.reader, slices.Clone(rd.from.Cursor)
	switch r.source {
	case fromValues:
		if rd.made != nil {
			for i, got := range rd.made.cursors {
				if present(got) {
					next[i] = got
				}
			}
		}
		for i, values := range r.values {
			if r.clears[i] && !rd.body.empty() {
				next[i] = ""
			}
			for _, v := range values {
				if got := v.of(rd.look(v.Value, rd.body.text)); present(got) {
					next[i] = string(got)
					break
				}
			}
		}
		if next.IsZero() && !r.document {
			return slices.Clone(rd.from.Cursor)
		}
	case fromValidators:
		if rd.status == http.StatusNoContent || rd.status == http.StatusRequestTimeout {
			break
		}
		// they are a pair: a poll with the ETag of one answer and the Last-Modified of another asks for neither
		etag, modified := rd.header.Get("ETag"), rd.header.Get("Last-Modified")
		if etag == "" && modified == "" {
			break
		}
		if !r.messages { // of which each is another one, however soon it follows
			v := rd.validators()
			etag, modified = v.ETag, v.LastModified
		}
		next[0], next[1] = etag, modified
	}
	return next
}
