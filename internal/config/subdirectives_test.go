package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sse-bridge/caddy-sse-bridge/internal/testsite"
)

func TestEverySubdirectiveHasAParser(t *testing.T) {
	for _, name := range NamesOf(func(s Subdirective) bool { return s.parse == nil }) {
		t.Errorf("%s is in the table, and is not parsed", name)
	}
}

// TestDocumentOfSubdirectives keeps the table of docs/caddyfile.md; `make docs` writes it.
func TestDocumentOfSubdirectives(t *testing.T) {
	testsite.GoldenPart(t, "docs/caddyfile.md", "| subdirective | what it does", "\n\n", subdirectivesTable())
}

// subdirectivesTable writes the table of the documents.
func subdirectivesTable() string {
	var b strings.Builder
	b.WriteString("| subdirective | what it does | default |\n|---|---|---|\n")
	for _, group := range Subdirectives() {
		if group.Title != "" {
			about := " "
			if group.About != "" {
				about = " **" + group.About + "** "
			}
			fmt.Fprintf(&b, "| **%s** |%s| |\n", group.Title, about)
		}
		for _, s := range group.Subdirectives {
			shown := s.Shown
			if shown == "" {
				shown = s.Arguments
			}
			call := strings.ReplaceAll(strings.TrimSpace(s.Name+" "+shown), "|", `\|`)
			row := fmt.Sprintf("| `%s` | %s | %s |", call, s.Does, s.Default)
			b.WriteString(strings.ReplaceAll(row, "|  |", "| |") + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
