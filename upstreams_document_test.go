package ssebridge

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/sse-bridge/caddy-sse-bridge/internal/page"
)

// TestDocumentOfUpstreamsIsThatOfTheRecipes keeps docs/upstreams.md as its template and the recipes
// make it; -args -update writes it.
func TestDocumentOfUpstreamsIsThatOfTheRecipes(t *testing.T) {
	doc, err := template.ParseFiles(filepath.Join("testdata", "upstreams", "document.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := doc.Execute(&want, loadRecipes(t)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("docs", "upstreams.md")
	got, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(got, want.Bytes()):
	case !*update:
		t.Errorf("%s is not what the recipes make (%v): run `go test -run DocumentOfUpstreams . -args -update`", file, err)
	default:
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Polls says, for the document's table, when the backend is asked.
func (r *recipe) Polls() string {
	if r.plan.holds() {
		return "held by the backend"
	}
	return fmt.Sprintf("every %gs", r.plan.intervalMin.Seconds())
}

// Resumes says, for the document's table, what an event's id is.
func (r *recipe) Resumes() string {
	switch plan := r.plan; {
	case plan.forgetful:
		return "an event's id, while the bridge has it: the backend forgets"
	case plan.reader.Document():
		return "a hash of the version that it has"
	case plan.validatorCursors && plan.page.Format != page.Message:
		return "its place in the list, and a hash of what stands there"
	case plan.validatorCursors:
		return "`ETag` and `Last-Modified`"
	case len(plan.page.Cursors) > 0 || len(plan.page.ProgramCursors) > 0:
		return "the cursor of an answer"
	}
	return "the id of an item"
}
