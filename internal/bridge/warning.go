package bridge

import (
	"slices"
	"time"

	"github.com/sse-bridge/caddy-sse-bridge/internal/feed"
	"github.com/sse-bridge/caddy-sse-bridge/internal/stream"
)

// Anonymous is the id of the warning that polls do not send what a handler in front has added to a client's request.
const Anonymous = "anonymous"

// Warning is something that an operator should know, for the admin API. All texts but names are fixed.
type Warning struct {
	ID     string   `json:"id"`
	Text   string   `json:"text"`
	Remedy string   `json:"remedy,omitempty"`
	Names  []string `json:"names,omitempty"` // of header fields, cookies and the like that it is about

	Count int64      `json:"count,omitempty"` // how often it was so since the bridge began, where that is counted
	Last  *time.Time `json:"last,omitempty"`  // when it was so last, where it is counted
}

func warningOf(w feed.Warning) Warning { return Warning{ID: w.ID, Text: w.Text, Remedy: w.Remedy} }

// Warnings returns what the operator should know of the block, beside what is wrong with single feeds.
func (b *Bridge) Warnings() []Warning {
	b.mu.Lock()
	all := slices.Clone(b.feeds.dividers.warnings)
	b.mu.Unlock()
	if copied := b.copied.Load(); copied != nil {
		all = append(all, *copied)
	}
	for _, text := range b.plan.Warnings() {
		all = append(all, Warning{ID: "upstream", Text: "upstream: " + text})
	}
	if empty := b.plan.EmptyPlaceholders(); len(empty) > 0 {
		all = append(all, Warning{ID: "environment", Text: "placeholders of the block are empty", Remedy: "set them in Caddy's environment", Names: empty})
	}
	delayed, last := b.poller.Delayed()
	return append(all, troubled(b.Streams.Totals(), stream.Labelled{Value: delayed, Last: last}, time.Now())...)
}
