package servers

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/sse-bridge/caddy-sse-bridge/test/recipes"
)

// recipeSite returns a recipe of docs/upstreams.md as a site, with its backend at an address. Edits are pairs of what
// is there, and with what it is replaced.
func recipeSite(t *testing.T, name, backend string, edits ...string) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("test", "recipes", "testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipes.Parse(name, archive)
	if err != nil {
		t.Fatal(err)
	}
	block := r.Caddyfile
	for edits = append([]string{r.Upstreams[0].Addr, backend}, edits...); len(edits) > 0; edits = edits[2:] {
		if !strings.Contains(block, edits[0]) {
			t.Fatalf("the recipe %s has no %q", name, edits[0])
		}
		block = strings.ReplaceAll(block, edits[0], edits[1])
	}
	return "{{site}} {\n" + block + "}"
}
