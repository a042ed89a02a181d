package page

import (
	"net/http"
	"slices"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// answer is an answer that is being read.
type answer struct {
	reader *Reader
	status int
	header http.Header
	body   body
	made   *made             // what a program made of the body, if there is one and it ran
	from   position.Position // its cursor has all names
	env    *value.Env
	asked  time.Duration // the least time to the next poll

	carries bool   // what is left open can be carried to the next page
	carry   *Carry // from the page before, or nil
	last    bool   // nothing will follow

	itemless bool // there is nothing at the path of the items
}

// read reads the answer.
func (a *answer) read() (Page, error) {
	r := a.reader
	if a.holds(r.config.Reset) {
		return Page{Reset: true, Next: a.from}, nil
	}
	verdict, err := a.judge()
	switch {
	case err != nil:
		return Page{}, err
	case verdict == nothing && a.carry != nil:
		return a.carry.Settle(), nil
	case verdict == nothing:
		return Page{Next: a.from, Empty: true}, nil
	case verdict == answered && a.body.err != nil && !a.passedOver():
		return Page{}, unreadable("%w", a.body.err)
	case a.restarted():
		return Page{Restarted: true, Next: a.from}, nil
	}
	more, end := a.holds(r.config.More), a.holds(r.config.End)
	a.last = end && !more
	p, err := a.page(verdict)
	if err != nil {
		return Page{}, err
	}
	if r.config.Unsent && r.source == fromItems {
		p.Validators = validators(a.header)
	}
	if p.Carry == nil {
		p.More, p.End = more, end
	}
	p.Empty = p.Empty && !more && p.Carry == nil
	p.Complete = p.Empty && len(r.config.More) > 0
	return p, nil
}

// page reads an answer that is accepted. One that is passed over as a whole need not be what is expected:
// only its cursor counts.
func (a *answer) page(v verdict) (Page, error) {
	if v == quiet || a.body.empty() || a.reader.document && a.passedOver() {
		p := a.empty()
		p.Empty = v == quiet
		return p, nil
	}
	p, err := a.content()
	if err != nil && a.passedOver() {
		return a.empty(), nil
	}
	return p, err
}

// content reads what an answer holds.
func (a *answer) content() (Page, error) {
	r, b := a.reader, a.body
	switch {
	case b.err != nil:
		return Page{}, b.err
	case !b.json && (r.config.Format == JSON || r.config.Format == JSONP || r.needsJSON && r.config.Format != Text):
		return Page{}, unreadable("%s where JSON was expected", b.nature())
	case !r.config.Program.IsZero():
		made, err := a.run()
		if err != nil {
			return Page{}, unreadable("%w", err)
		}
		a.made = made
		return a.events()
	case !r.document:
		return a.events()
	}
	return a.document()
}

// restarted reports whether the upstream counts anew since the position that was asked for. It
// notes the epoch of a first answer.
func (a *answer) restarted() bool {
	epoch := a.look(a.reader.config.Epoch, a.body.text)
	if !present(epoch) || string(epoch) == a.from.Epoch {
		return false
	}
	first := a.from.IsZero()
	a.from.Epoch = string(epoch)
	return !first
}

// look looks v up in scope, which is JSON if the body is.
func (a *answer) look(v value.Value, scope []byte) []byte {
	if v.IsZero() || !a.body.json && v.NeedsJSON() {
		return nil
	}
	return v.Get(scope, a.env)
}

// present reports whether a value that was found is one: an empty one and null are none.
func present[T string | []byte](v T) bool { return len(v) > 0 && string(v) != "null" }

// empty returns the page of an answer without a body or items. It is news if it moves the
// cursor.
func (a *answer) empty() Page {
	p := Page{Next: a.from}
	cursor := a.cursor()
	moved := !cursor.Equal(a.from.Cursor)
	if s, seeks := a.seeking(); seeks && a.goesOn(s, moved) {
		return a.hold(s, nil, a.border(cursor))
	}
	if a.carry != nil {
		p = a.carry.Settle()
	}
	if moved {
		p.News, p.Next = true, a.border(cursor)
	}
	return p
}

// border returns the position that cursor is.
func (a *answer) border(cursor position.Cursor) position.Position {
	return position.Position{Epoch: a.from.Epoch, Cursor: cursor}
}

// cursor returns the cursor after this answer, if it is not the items that move it. Where
// the answer has no value for a name, the old one stays.
func (a *answer) cursor() position.Cursor {
	r, next := a.reader, slices.Clone(a.from.Cursor)
	switch r.source {
	case fromValues:
		if a.made != nil {
			for i, got := range a.made.cursors {
				if present(got) {
					next[i] = got
				}
			}
		}
		for i, values := range r.values {
			for _, v := range values {
				if got := a.look(v, a.body.text); present(got) {
					next[i] = string(got)
					break
				}
			}
		}
	case fromValidators:
		if a.status == http.StatusNoContent || a.status == http.StatusRequestTimeout {
			break
		}
		for i, name := range [...]string{"ETag", "Last-Modified"} {
			if v := a.header.Get(name); v != "" {
				next[i] = v
			}
		}
	}
	return next
}
