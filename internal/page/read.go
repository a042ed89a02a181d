package page

import (
	"errors"

	"github.com/sse-bridge/caddy-sse-bridge/internal/position"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// Read reads the answer to a poll that was sent from a position: the zero one for the first
// poll of a newcomer. It fills env with the answer, so that the conditions of the caller can
// see it, whatever Read returns; env may be nil.
//
// The error is an [*Error] for an answer that is none, after which the poll is repeated, or
// a [*Refusal] for one that declines the poll.
func (r *Reader) Read(resp Response, from position.Position, env *value.Env) (Page, error) {
	return r.readAll(resp, &reading{reader: r, from: from}, env)
}

// ReadOn is [Reader.Read] for who carries what one page leaves open to the next. Where carry is not nil,
// the poll was sent from where it says, and not from that position.
func (r *Reader) ReadOn(resp Response, from position.Position, carry *Carry, env *value.Env) (Page, error) {
	if carry != nil {
		from = carry.From
	}
	return r.readAll(resp, &reading{reader: r, from: from, carries: true, carry: carry}, env)
}

// ReadSet is [Reader.Read] for who knows the set of the answer before; nil: none. What has not changed since is
// not read again. page is which page of a set is read, from 0. What is returned is the same as without that set.
func (r *Reader) ReadSet(resp Response, from position.Position, before *Set, page int, env *value.Env) (Page, error) {
	return r.readAll(resp, &reading{reader: r, from: from, before: known{before, page}}, env)
}

// readAll reads an answer to a poll, of which rd has what was known before.
func (r *Reader) readAll(resp Response, rd *reading, env *value.Env) (Page, error) {
	if env == nil {
		env = new(value.Env)
	}
	b := r.decode(resp, rd.before)
	env.Status, env.Header, env.Body, env.Item = resp.Status, resp.Header, b.text, nil
	if len(rd.from.Cursor) != len(r.names) {
		cursor := make(position.Cursor, len(r.names))
		copy(cursor, rd.from.Cursor)
		rd.from.Cursor = cursor
	}
	rd.status, rd.header, rd.took, rd.body, rd.env = resp.Status, resp.Header, resp.Took, b, env
	rd.asked = rd.pacing()
	p, err := rd.read()
	if err != nil {
		if failed, ok := errors.AsType[*Error](err); ok {
			failed.Wait, failed.Asked = capped(rd.asked)
		}
		return Page{}, err
	}
	p.Wait, p.Asked = capped(rd.asked)
	if !p.Reset && !p.Reopen {
		p.Followed = rd.followed()
	}
	return p, nil
}

// Explain says what the paths find in an answer. It is for who sets them up: [Reader.Read] is what
// makes events of an answer. It fills env as Read does; env may be nil.
func (r *Reader) Explain(resp Response, env *value.Env) Found {
	if env == nil {
		env = new(value.Env)
	}
	b := r.decode(resp, known{})
	env.Status, env.Header, env.Body, env.Item = resp.Status, resp.Header, b.text, nil
	return explain(&reading{
		reader: r, status: resp.Status, header: resp.Header, body: b, env: env,
		from: position.Position{Cursor: make(position.Cursor, len(r.names))},
	})
}
