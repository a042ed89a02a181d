package cli

import (
	"fmt"

	"github.com/sse-bridge/caddy-sse-bridge/internal/bridge"
	"github.com/sse-bridge/caddy-sse-bridge/internal/trial"
	"github.com/sse-bridge/caddy-sse-bridge/internal/upstream"
)

// warningsOf returns what is to be said of a block and the request of its client, whatever the backend answers.
func warningsOf(asked *upstream.Request) (all []trial.Reason) {
	for _, b := range bridge.All() {
		for _, w := range b.Warnings() {
			if w.ID == bridge.Anonymous { // of the only bridge that has a client
				all = append(all, trial.Reason{ID: w.ID, Text: w.Text + ": " + w.Remedy})
			}
		}
	}
	for _, text := range asked.Plan.Warnings() {
		all = append(all, trial.Reason{ID: "upstream", Text: "upstream: " + text})
	}
	if empty := asked.Plan.Empty(); empty != "" {
		all = append(all, trial.Reason{ID: "environment", Text: empty})
	}
	for _, u := range upstream.UnfencedOf(asked.Plan) {
		all = append(all, trial.Reason{ID: "unfenced_cursor", Text: fmt.Sprintf(
			"`%s` has %s within a longer text, and a client may name any cursor: if the backend reads that text as a language, `matching` says what a cursor may be, such as `matching \\d+`", u.Where, u.Cursor)})
	}
	return all
}

// unmatched returns what is to be said of a cursor that an answer has given, and that `matching` does not match.
func unmatched(cursor string) trial.Reason {
	return trial.Reason{ID: "unmatched_cursor", Text: fmt.Sprintf("`matching` does not match the %s of the answer: clients that come back with it get a bridge.reset", cursor)}
}
