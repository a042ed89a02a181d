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

// ignored reports whether an item, or a document, is to be passed over.
func (a *answer) ignored(it item) bool {
	for _, c := range a.reader.ignore {
		scope := it.raw
		if !it.json && c.NeedsJSON() {
			scope = nil
		}
		if c.Holds(scope, a.env) {
			return true
		}
	}
	return false
}
