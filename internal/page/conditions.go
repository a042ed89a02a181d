package page

import "github.com/sse-bridge/caddy-sse-bridge/internal/value"

// holds reports whether one of the conditions holds for the whole answer. One that looks into
// JSON says nothing of an answer that is none, turned around or not: `reset !ok` must not take a
// proxy's error page for one.
func (a *answer) holds(conditions []value.Condition) bool {
	for _, c := range conditions {
		if (a.body.json || a.body.line || !c.NeedsJSON()) && c.Holds(a.body.text, a.env) {
			return true
		}
	}
	return false
}

// passedOver reports whether the whole answer is to be passed over, whatever is in it. What looks into
// JSON says nothing of an answer that is none, as in holds, and nor does what looks into an item, where
// the answer is not the one item.
func (a *answer) passedOver() bool {
	one := a.reader.document || a.reader.config.Format == Message
	if a.reader.config.Format == Message {
		a.env.Item = a.body.text
		defer func() { a.env.Item = nil }()
	}
	for _, c := range a.reader.config.Ignore {
		if (a.body.json || !c.NeedsJSON()) && (one || !c.ReadsItem()) && c.Holds(a.body.text, a.env) {
			return true
		}
	}
	return false
}

// ignored reports whether an item is to be passed over.
func (a *answer) ignored(it *item) bool {
	for _, c := range a.reader.config.Ignore {
		scope := it.text()
		if !it.json && c.NeedsJSON() {
			scope = nil
		}
		if c.Holds(scope, a.env) {
			return true
		}
	}
	return false
}
