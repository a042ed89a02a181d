package page

import (
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// holds reports whether one of the conditions holds for the whole answer. One that looks into
// JSON says nothing of an answer that is none, turned around or not: `reset !ok` must not take a
// proxy's error page for one.
func (rd *reading) holds(conditions []value.Condition) bool {
	_, ok := rd.first(conditions)
	return ok
}

// first returns the first of the conditions that holds for the whole answer, as in holds.
func (rd *reading) first(conditions []value.Condition) (_ value.Condition, ok bool) {
	for _, c := range conditions {
		if (rd.body.json || rd.body.line || !c.NeedsJSON()) && c.Holds(rd.body.text, rd.env) {
			return c, true
		}
	}
	return value.Condition{}, false
}

// reported returns the error that an answer with an accepted status reports; nil: none. As for a 4xx, whether
// it asks to wait says whether the same request may do better later.
func (rd *reading) reported() *Error {
	c, ok := rd.first(rd.reader.config.Fail)
	if !ok {
		return nil
	}
	return &Error{Comment: Reported, Later: rd.later(), Err: fmt.Errorf("the condition `fail %s` holds", c)}
}

// gapes reports whether the answer says that events are missing before it. A newcomer misses none.
func (rd *reading) gapes() bool {
	newcomer := rd.from.Cursor.IsZero() && !(rd.reader.messages && rd.from.Done > 0)
	return !newcomer && rd.holds(rd.reader.config.Gap)
}

// passedOver reports whether the whole answer is to be passed over, whatever is in it. What looks into
// JSON says nothing of an answer that is none, as in holds, and nor does what looks into an item, where
// the answer is not the one item.
func (rd *reading) passedOver() bool {
	one := rd.reader.document || rd.reader.messages
	if rd.reader.messages {
		rd.env.Item = rd.body.text
		defer func() { rd.env.Item = nil }()
	}
	for _, c := range rd.reader.config.Ignore {
		if (rd.body.json || !c.NeedsJSON()) && (one || !c.ReadsItem()) && c.Holds(rd.body.text, rd.env) {
			return true
		}
	}
	return false
}

// ignored reports whether an item is to be passed over.
func (rd *reading) ignored(it *item) bool {
	for _, c := range rd.reader.config.Ignore {
		scope := it.text()
		if !it.json && c.NeedsJSON() {
			scope = nil
		}
		if c.Holds(scope, rd.env) {
			return true
		}
	}
	return false
}
