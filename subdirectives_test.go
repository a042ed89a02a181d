package ssebridge

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEverySubdirectiveHasAParser(t *testing.T) {
	all := namesOf(func(Subdirective) bool { return true })
	for name := range parsers() {
		if !slices.Contains(all, name) {
			t.Errorf("%s is parsed, and is not in the table", name)
		}
	}
	for _, name := range all {
		if parsers()[name] == nil {
			t.Errorf("%s is in the table, and is not parsed", name)
		}
	}
}

// TestDocumentOfSubdirectives keeps the table of docs/caddyfile.md as the table of the code makes it;
// -args -update writes it.
func TestDocumentOfSubdirectives(t *testing.T) {
	const file = "docs/caddyfile.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "| subdirective | what it does")
	if !found {
		t.Fatalf("%s has no table of subdirectives", file)
	}
	_, behind, _ := strings.Cut(rest, "\n\n")
	want := before + subdirectivesTable() + "\n" + behind
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of %s is not that of the code: run `go test -run DocumentOfSubdirectives . -args -update`", file)
	}
}
