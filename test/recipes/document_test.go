package recipes

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

// TestDocumentOfUpstreams keeps docs/upstreams.md as its template and the recipes make it; `make docs`
// writes it.
func TestDocumentOfUpstreams(t *testing.T) {
	doc, err := template.ParseFiles(filepath.Join("test", "recipes", "testdata", "document.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := doc.Execute(&want, Load(t)); err != nil {
		t.Fatal(err)
	}
	testsite.Golden(t, filepath.Join("docs", "upstreams.md"), want.String())
}

// Polls says, for the document's table, when the backend is asked.
func (r *Recipe) Polls() string {
	switch {
	case r.plan.Stream:
		return "one answer that goes on"
	case r.plan.Holds():
		return "held by the backend"
	}
	return fmt.Sprintf("every %gs", r.plan.IntervalMin.Seconds())
}

// Resumes says, for the document's table, what an event's id is.
func (r *Recipe) Resumes() string {
	switch plan := r.plan; {
	case plan.Forgetful:
		return "an event's id, while the bridge has it: the backend forgets"
	case r.placeless():
		return "an event's id, while the bridge has it: the backend has no positions"
	case plan.Reader.Document():
		return "a hash of the version that it has"
	case plan.Reader.Set():
		return "a hash of the set that it has"
	case plan.LastEventID:
		return "the id of the backend's event"
	case plan.ValidatorCursors && plan.Page.Format != page.Message && plan.Page.Format != page.Multipart:
		return "its place in the list, and a hash of what stands there"
	case plan.ValidatorCursors:
		return "`ETag` and `Last-Modified`"
	case len(plan.Page.Cursors) > 0 || len(plan.Page.ProgramCursors) > 0:
		return "the cursor of an answer"
	}
	return "the id of an item"
}
