package upstream

import (
	"net/url"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/sse-bridge/caddy-sse-bridge/internal/config"
	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/value"
)

// bound is a plan with the client's placeholders resolved. The rest is filled in for each poll.
type bound struct {
	rewritePath, rewriteQuery value.Template
	queryEdits, HeaderEdits   []config.PlannedEdit
	bodyTemplate              value.Template
	when                      []value.Condition
	Reader                    *page.Reader
}

// resolvers resolve a client's placeholders, one for each place where texts of a plan are used.
type resolvers struct{ known, path, query, body func(text string) string }

// bind resolves the texts of the plan, each once and always in the same order. Inserted text is never expanded
// again.
func bind(c *config.Plan, r resolvers) bound {
	return bound{
		rewritePath:  c.RewritePath.Bind(r.path),
		rewriteQuery: c.RewriteQuery.Bind(r.query),
		queryEdits:   bindEdits(c.Query, r.known),
		HeaderEdits:  bindEdits(c.HeaderUp, r.known),
		bodyTemplate: c.Body.Bind(r.body),
		when:         bindConditions(c.When, r.known),
		Reader:       readerFor(c, r.known),
	}
}

// resolve returns the plan's texts with the client's placeholders resolved, in the order of bind.
func resolve(c *config.Plan, repl *caddy.Replacer) (texts []string) {
	by := func(resolve func(text, empty string) string) func(string) string {
		return func(text string) string {
			texts = append(texts, resolve(text, ""))
			return text
		}
	}
	bind(c, resolvers{
		known: by(repl.ReplaceKnown),
		path:  by(escapingReplacer(repl, escapePath).ReplaceAll),
		query: by(escapingReplacer(repl, url.QueryEscape).ReplaceAll),
		body:  by(bodyReplacer(repl, c.BodyType).ReplaceKnown),
	})
	return texts
}

// bindTo puts the texts that resolve returned into their places.
func bindTo(c *config.Plan, texts []string) bound {
	next := func(string) string {
		text := texts[0]
		texts = texts[1:]
		return text
	}
	return bind(c, resolvers{next, next, next, next})
}

func bindEdits(edits []config.PlannedEdit, resolve func(string) string) []config.PlannedEdit {
	bound := slices.Clone(edits)
	for i := range bound {
		bound[i].Value = bound[i].Value.Bind(resolve)
	}
	return bound
}

func bindConditions(conditions []value.Condition, resolve func(string) string) []value.Condition {
	bound := slices.Clone(conditions)
	for i := range bound {
		bound[i] = bound[i].Bind(resolve)
	}
	return bound
}

// readerFor returns the reader of a client's answers. It is shared by all clients, unless a value contains a
// placeholder of the client.
func readerFor(c *config.Plan, resolve func(text string) string) *page.Reader {
	same := true
	known := func(text string) string {
		resolved := resolve(text)
		same = same && resolved == text
		return resolved
	}
	reading := c.Page
	reading.ID, reading.Epoch = reading.ID.Bind(known), reading.Epoch.Bind(known)
	reading.Event, reading.Data = reading.Event.Bind(known), reading.Data.Bind(known)
	reading.RetryAfter = reading.RetryAfter.Bind(known)
	for _, conditions := range reading.Conditions() {
		*conditions = bindConditions(*conditions, known)
	}
	reading.Follow = slices.Clone(reading.Follow)
	for i, f := range reading.Follow {
		reading.Follow[i].When = bindConditions(f.When, known)
	}
	reading.Cursors = slices.Clone(reading.Cursors)
	for i, cursor := range reading.Cursors {
		values := slices.Clone(cursor.Values)
		for j := range values {
			values[j] = values[j].Bind(known)
		}
		reading.Cursors[i].Values = values
	}
	if same {
		return c.Reader
	}
	return page.NewReader(reading)
}
