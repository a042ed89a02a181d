package page

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

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

// pacing returns the least time to the next poll that the answer asks for, in its header or in
// its body.
func (a *answer) pacing() time.Duration {
	least := wait(a.header)
	if after := a.look(a.reader.retryAfter, a.body.text); after != nil {
		least = max(least, decimalSeconds(string(after)))
	}
	return least
}

// decimalSeconds reads a count of seconds that may have a fraction, as Discord writes it. It is 0
// for anything else.
func decimalSeconds(s string) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil && !math.IsInf(n, 0) || math.IsNaN(n) || n <= 0 {
		return 0
	}
	if n >= maxWait.Seconds() {
		return maxWait
	}
	return time.Duration(n * float64(time.Second))
}
